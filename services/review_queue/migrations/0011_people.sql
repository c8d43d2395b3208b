-- A password that somebody else has set is for one sign-in: whoever has it is told who set it and
-- when, and chooses their own before anything else.
ALTER TABLE review_queue.users
    ADD COLUMN password_set_by text,
    ADD COLUMN password_set_at timestamptz,
    ADD CONSTRAINT set_by_whom_and_when CHECK (
        (password_set_by IS NULL) = (password_set_at IS NULL));
-- A script that signs in as people do: in a demonstration, or in a test of load. What it says is
-- marked wherever it goes.
ALTER TABLE review_queue.users ADD COLUMN simulated boolean NOT NULL DEFAULT false;
ALTER TABLE review_queue.opinions ADD COLUMN simulated boolean NOT NULL DEFAULT false;
