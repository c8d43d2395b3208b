-- The state of each task's rollout; whoever changes it holds the row's lock.
CREATE TABLE promoter.rollouts (
    task text PRIMARY KEY,
    revision integer NOT NULL,
    state jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- The registry: what a version is never changes, what became of it does.
CREATE TABLE promoter.versions (
    version text PRIMARY KEY,
    task text NOT NULL,
    manifest_sha256 text NOT NULL,
    state text NOT NULL DEFAULT 'evaluated',
    evaluation jsonb NOT NULL, -- the newest one
    evaluated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX one_champion ON promoter.versions (task) WHERE state = 'champion';
CREATE UNIQUE INDEX one_candidate ON promoter.versions (task) WHERE state IN ('shadow', 'canary');
CREATE UNIQUE INDEX one_queued ON promoter.versions (task) WHERE state = 'queued';

-- Evaluations already taken in, so that a redelivery changes nothing.
CREATE TABLE promoter.evaluations (
    version text NOT NULL,
    champion text,
    verdict text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (version, champion)
);

CREATE TABLE promoter.transitions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task text NOT NULL,
    revision integer NOT NULL,
    what text NOT NULL,
    version text,
    who text NOT NULL,
    why text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX transitions_of_task ON promoter.transitions (task, id);

-- Each case counts once a rollout. Emptied when the rollout is over; the sums stay.
CREATE TABLE promoter.counted_cases (
    rollout_id text NOT NULL,
    case_id text NOT NULL,
    PRIMARY KEY (rollout_id, case_id)
);
CREATE TABLE promoter.stage_counts (
    rollout_id text NOT NULL,
    stage text NOT NULL,
    cases bigint NOT NULL,
    scored bigint NOT NULL,
    failed bigint NOT NULL,
    label_mass float8 NOT NULL,
    accepted bigint NOT NULL,
    PRIMARY KEY (rollout_id, stage)
);
