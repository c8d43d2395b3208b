"""The statements of `users.py`: each that acts on what was read before asks for it again."""

INSERT_USER = """
INSERT INTO review_queue.users
    (name, role, password_hash, created_by, simulated, password_set_by, password_set_at)
VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $6::text IS NULL THEN NULL ELSE now() END)
ON CONFLICT (name) DO NOTHING
"""
LIST_USERS = """
SELECT name, role, active, simulated, password_set_by IS NOT NULL AS one_time_password
FROM review_queue.users ORDER BY name
"""
SET_ACTIVE = "UPDATE review_queue.users SET active = $2 WHERE name = $1"
SET_BY_OPERATOR = """
UPDATE review_queue.users SET password_hash = $2, password_set_by = $3, password_set_at = now()
WHERE name = $1
"""
# Not if somebody has set another one since the old one was checked.
SET_BY_OWNER = """
UPDATE review_queue.users SET password_hash = $3, password_set_by = NULL, password_set_at = NULL
WHERE name = $1 AND password_hash = $2 AND active
"""
END_SESSIONS = "DELETE FROM review_queue.sessions WHERE name = $1 AND token_sha256 <> $2"
# Locked, so that no session is opened beside a change that ends them all.
MAY_SIGN_IN = """
SELECT role, password_set_by IS NOT NULL AS one_time_password
FROM review_queue.users WHERE name = $1 AND password_hash = $2 AND active FOR SHARE
"""
OPEN_SESSION = """
INSERT INTO review_queue.sessions (token_sha256, name, expires_at)
VALUES ($1, $2, now() + $3::interval) RETURNING expires_at
"""
SESSION_OWNER = """
SELECT name, role, expires_at, password_set_by IS NOT NULL AS one_time_password
FROM review_queue.sessions JOIN review_queue.users USING (name)
WHERE token_sha256 = $1 AND expires_at > now() AND active
"""
CREDENTIALS = "SELECT role, password_hash FROM review_queue.users WHERE name = $1"
ORIGIN = """
SELECT password_set_by, password_set_at FROM review_queue.users WHERE name = $1
"""
END_SESSION = "DELETE FROM review_queue.sessions WHERE token_sha256 = $1"
FORGET_SESSIONS = "DELETE FROM review_queue.sessions WHERE expires_at < now()"
