-- Every model that was trained, in the order of training.
CREATE TABLE evaluator.candidates (
    version text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    task text NOT NULL,
    model jsonb NOT NULL,
    trained_at timestamptz NOT NULL
);
CREATE INDEX candidates_of_task ON evaluator.candidates (task, number);

-- One run a comparison: a candidate against a champion, or against none.
CREATE TABLE evaluator.runs (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task text NOT NULL,
    candidate text NOT NULL REFERENCES evaluator.candidates,
    champion text,
    served jsonb, -- the champion with its threshold
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'superseded')),
    attempts integer NOT NULL DEFAULT 0,
    owner text,
    lease_until timestamptz,
    progress jsonb NOT NULL DEFAULT '{}',
    reason text,
    evaluated jsonb,
    queued_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE NULLS NOT DISTINCT (candidate, champion)
);
