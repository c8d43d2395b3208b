"""The statements of `assignments.py`: none changes a row of a lease that is over or newly fenced.

Each locks an assignment before its seat, so that no two of them deadlock.
"""

from services.review_queue.reviewing.states import SUBMIT, UNDO, WITHDRAW

HELD = (
    "assignment_id = $1 AND reviewer = $2 AND token = $3 AND state = 'leased' "
    "AND lease_expires_at > now()"
)
HEARTBEAT = f"""
WITH before AS (
    SELECT opened_at FROM review_queue.assignments WHERE assignment_id = $1 FOR UPDATE
)
UPDATE review_queue.assignments AS a SET lease_expires_at = now() + $4::interval,
    opened_at = CASE WHEN $5 THEN coalesce(a.opened_at, now()) ELSE a.opened_at END
FROM before WHERE {HELD}
RETURNING lease_expires_at, review_id,
    before.opened_at IS NULL AND a.opened_at IS NOT NULL AS first_seen
"""  # noqa: S608
COMMIT_LABEL = f"""
UPDATE review_queue.assignments SET label_before = $4, committed_at = now()
WHERE {HELD} AND label_before IS NULL RETURNING review_id
"""  # noqa: S608
READ_BLIND_REQUEST = """
SELECT blind, body FROM review_queue.reviews JOIN review_queue.requests USING (review_id)
WHERE review_id = $1
"""
END_LEASE = f"""
UPDATE review_queue.assignments SET state = $4, ended_at = clock_timestamp(), ended_why = $5
WHERE {HELD} RETURNING review_id, seat
"""  # noqa: S608
SUBMIT_ASSIGNMENT = f"""
UPDATE review_queue.assignments SET state = '{SUBMIT.assignment}' WHERE {HELD}
RETURNING review_id, seat, reviewer, label_before,
    -- A heartbeat at the same time may say that they looked at it only now.
    greatest(extract(epoch FROM now() - coalesce(opened_at, leased_at)), 0)::float8 AS dwell
"""  # noqa: S608
SUBMIT_SEAT = f"""
UPDATE review_queue.seats SET state = '{SUBMIT.after}', settles_at = now() + $3::interval
WHERE review_id = $1 AND seat = $2 AND state = '{SUBMIT.before}' RETURNING settles_at
"""  # noqa: S608
UNDO_ASSIGNMENT = f"""
UPDATE review_queue.assignments AS a SET state = '{UNDO.assignment}',
    token = nextval('review_queue.fencing'), lease_expires_at = now() + $4::interval
FROM review_queue.seats AS s
JOIN review_queue.reviews AS r USING (review_id)
JOIN review_queue.requests AS q USING (review_id)
WHERE assignment_id = $1 AND reviewer = $2 AND token = $3 AND a.state = 'submitted'
    AND s.review_id = a.review_id AND s.seat = a.seat
RETURNING a.*, s.kind, r.blind, q.body
"""  # noqa: S608
UNDO_SEAT = f"""
UPDATE review_queue.seats SET state = '{UNDO.after}', settles_at = NULL
WHERE review_id = $1 AND seat = $2 AND state = '{UNDO.before}' AND settles_at > now()
RETURNING seat
"""  # noqa: S608
RETURN_SEAT = """
UPDATE review_queue.seats SET state = $3, kind = $5
WHERE review_id = $1 AND seat = $2 AND state = $4
"""
# Whoever has begun is waited for; what nobody has begun could not change the final word.
WITHDRAW_SEATS = f"""
UPDATE review_queue.seats SET state = '{WITHDRAW.after}'
WHERE review_id = $1 AND kind <> 'final' AND state = '{WITHDRAW.before}'
"""  # noqa: S608
SAVE_DRAFT = """
INSERT INTO review_queue.drafts (review_id, reviewer, content)
SELECT review_id, reviewer, $3
FROM review_queue.assignments AS a JOIN review_queue.reviews AS r USING (review_id)
WHERE assignment_id = $1 AND reviewer = $2 AND state IN ('leased', 'expired', 'released')
    AND completed_at IS NULL
    -- What was written on an earlier lease does not come over what is written on a later one.
    AND NOT EXISTS (
        SELECT FROM review_queue.assignments AS later
        WHERE later.review_id = a.review_id AND later.reviewer = $2 AND later.token > a.token)
FOR KEY SHARE OF r -- waits for its completion, which forgets all drafts
ON CONFLICT (review_id, reviewer) DO UPDATE SET content = $3, saved_at = now()
"""
READ_DRAFT = """
SELECT content FROM review_queue.drafts
JOIN review_queue.assignments USING (review_id, reviewer)
WHERE assignment_id = $1 AND reviewer = $2
"""
# All of the review's seats: two of them must not be escalated at once.
LOCK_SEATS = """
SELECT seat, kind FROM review_queue.seats WHERE review_id = $1 ORDER BY seat FOR UPDATE
"""
DELETE_OPINION = "DELETE FROM review_queue.opinions WHERE review_id = $1 AND seat = $2"
