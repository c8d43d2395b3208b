-- Who saw and did what, when, from where. Rows are only ever added.
CREATE TABLE review_queue.audit (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    role text NOT NULL,
    address text NOT NULL,
    action text NOT NULL,
    review_id text,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_of_review ON review_queue.audit (review_id, entry_id)
    WHERE review_id IS NOT NULL;
CREATE INDEX audit_of_actor ON review_queue.audit (actor, entry_id);
CREATE INDEX audit_of_action ON review_queue.audit (action, entry_id);

CREATE FUNCTION review_queue.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail only grows' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON review_queue.audit
    FOR EACH STATEMENT EXECUTE FUNCTION review_queue.refuse_change();
ALTER TABLE review_queue.audit ENABLE ALWAYS TRIGGER audit_only_grows; -- also for replication
REVOKE UPDATE, DELETE, TRUNCATE ON review_queue.audit FROM PUBLIC, CURRENT_USER;
