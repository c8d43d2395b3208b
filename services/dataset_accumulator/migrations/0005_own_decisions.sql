-- Which claims this system decided itself. A file that has them brings no new judgment.
CREATE TABLE dataset_accumulator.own_decisions (
    case_id text PRIMARY KEY,
    history_case_id text NOT NULL, -- the case that a row about this claim would be
    decided_by text NOT NULL CHECK (decided_by IN ('model', 'human'))
);
CREATE INDEX own_decisions_of_a_claim ON dataset_accumulator.own_decisions (history_case_id);

-- What an importer states of the rows that do not say who decided.
ALTER TABLE dataset_accumulator.imports ADD COLUMN decided_by text CHECK (decided_by = 'human');
