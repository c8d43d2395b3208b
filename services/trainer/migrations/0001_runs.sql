CREATE TABLE trainer.runs (
    run_id text PRIMARY KEY,
    task text NOT NULL,
    dataset_version text NOT NULL UNIQUE,
    dataset_number integer NOT NULL,
    released jsonb NOT NULL,
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'merged')),
    attempts integer NOT NULL DEFAULT 0,
    owner text,
    lease_until timestamptz,
    sequence integer NOT NULL DEFAULT 0,
    progress jsonb NOT NULL DEFAULT '{}',
    minor integer,
    version text UNIQUE,
    reason text,
    queued_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (task, minor)
);
-- One run a task at a time, and one that waits: later triggers merge into it.
CREATE UNIQUE INDEX one_running ON trainer.runs (task) WHERE status = 'running';
CREATE UNIQUE INDEX one_queued ON trainer.runs (task) WHERE status = 'queued';
