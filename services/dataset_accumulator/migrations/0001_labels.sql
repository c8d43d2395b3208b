-- The split of a group is fixed when its first label comes in.
CREATE TABLE dataset_accumulator.groups (
    task text NOT NULL,
    group_id text NOT NULL,
    split text NOT NULL
        CHECK (split IN ('train', 'validation', 'calibration', 'certification', 'test')),
    fixed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task, group_id),
    UNIQUE (task, group_id, split)
);

CREATE TABLE dataset_accumulator.imports (
    import_id text PRIMARY KEY,
    task text NOT NULL,
    name text NOT NULL,
    imported_by text NOT NULL,
    splits jsonb NOT NULL,
    release boolean NOT NULL,
    status text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'releasing', 'finished', 'failed')),
    why text,
    bytes_total bigint,
    bytes_read bigint NOT NULL DEFAULT 0,
    rows integer NOT NULL DEFAULT 0,
    accepted integer NOT NULL DEFAULT 0,
    duplicates integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    dataset_version text,
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX imports_at_work ON dataset_accumulator.imports (task)
    WHERE status IN ('running', 'releasing');

CREATE TABLE dataset_accumulator.refusals (
    import_id text NOT NULL REFERENCES dataset_accumulator.imports,
    line integer NOT NULL,
    field text,
    why text NOT NULL,
    PRIMARY KEY (import_id, line)
);

CREATE TABLE dataset_accumulator.labels (
    id bigint GENERATED ALWAYS AS IDENTITY, -- the order in which they came
    case_id text PRIMARY KEY,
    review_id text NOT NULL UNIQUE,
    task text NOT NULL,
    group_id text NOT NULL,
    split text NOT NULL,
    content_sha256 text NOT NULL,
    input jsonb NOT NULL,
    evidence jsonb NOT NULL,
    reason text NOT NULL,
    source text NOT NULL CHECK (source IN ('review', 'import')),
    inclusion_probability float8 NOT NULL
        CHECK (inclusion_probability > 0 AND inclusion_probability <= 1),
    import_id text REFERENCES dataset_accumulator.imports,
    revision integer NOT NULL DEFAULT 0,
    label text NOT NULL,
    reasoning text NOT NULL,
    released_revision integer, -- what the newest dataset version has of this case, if anything
    released_label text,
    received_at timestamptz NOT NULL DEFAULT now(),
    -- Nobody's cases lie on two sides.
    FOREIGN KEY (task, group_id, split)
        REFERENCES dataset_accumulator.groups (task, group_id, split),
    CHECK ((source = 'import') = (import_id IS NOT NULL)),
    CHECK ((source = 'import') = (reason = 'import'))
);
-- A release looks at what is new and never at the rest of the table.
CREATE INDEX labels_unreleased ON dataset_accumulator.labels (task, id) INCLUDE (split)
    WHERE released_revision IS DISTINCT FROM revision;

-- Every correction, also one that came before the label of its case.
CREATE TABLE dataset_accumulator.corrections (
    case_id text NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    task text NOT NULL,
    label text NOT NULL,
    reasoning text NOT NULL,
    corrected_by text NOT NULL,
    why text NOT NULL,
    corrected_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, revision)
);
