CREATE TABLE review_queue.users (
    name text PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('adjudicator', 'senior', 'lead', 'operator', 'auditor')),
    password_hash text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- A paused reviewer gets no cases.
    paused_by text,
    paused_why text,
    paused_at timestamptz,
    CONSTRAINT paused_by_whom_and_why CHECK (
        (paused_at IS NULL) = (paused_by IS NULL) AND (paused_at IS NULL) = (paused_why IS NULL))
);

-- Only a hash of the token is kept: who reads this table cannot sign in with it.
CREATE TABLE review_queue.sessions (
    token_sha256 bytea PRIMARY KEY,
    name text NOT NULL REFERENCES review_queue.users,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_expiring ON review_queue.sessions (expires_at);

-- Failed attempts of a while, from `since` on: by the hash of a name, which may be a password in the
-- wrong place, also where there is no such user; and by address.
CREATE TABLE review_queue.sign_in_failures (
    key text PRIMARY KEY,
    failures integer NOT NULL,
    since timestamptz NOT NULL
);
