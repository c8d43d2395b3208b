-- Which claims this system decided itself. A file that has them brings no new judgment.
CREATE TABLE dataset_accumulator.own_decisions (
    case_id text PRIMARY KEY,
    history_case_id text, -- the case that a row about this claim would be
    judged_sha256 text, -- of what was judged, should its claim come under another id
    decided_by text NOT NULL CHECK (decided_by IN ('model', 'human'))
);
CREATE INDEX own_decisions_of_a_claim ON dataset_accumulator.own_decisions (history_case_id);
CREATE INDEX own_decisions_of_a_service ON dataset_accumulator.own_decisions (judged_sha256);
ALTER TABLE dataset_accumulator.labels ADD COLUMN judged_sha256 text; -- none in labels of before
CREATE INDEX labels_of_a_service ON dataset_accumulator.labels (judged_sha256)
    WHERE source = 'import';

-- What an importer states of the rows that do not say who decided.
ALTER TABLE dataset_accumulator.imports ADD COLUMN decided_by text CHECK (decided_by = 'human');
