-- What became of earlier cases, by whom they are about: kept from predictions and decisions, which
-- come in any order.
CREATE TABLE review_queue.history (
    case_id text PRIMARY KEY,
    task text NOT NULL,
    group_id text,
    claim_id text,
    submitted_at timestamptz,
    summary jsonb,
    label text,
    decided_by text,
    decided_at timestamptz,
    revision integer NOT NULL DEFAULT -1 -- of the label; 0 is the original decision
);
CREATE INDEX history_of_group ON review_queue.history (group_id, submitted_at);
