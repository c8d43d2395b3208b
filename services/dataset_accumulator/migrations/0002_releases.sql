CREATE TABLE dataset_accumulator.releases (
    task text NOT NULL,
    number integer NOT NULL,
    dataset_version text NOT NULL UNIQUE,
    trigger text NOT NULL,
    manifest_uri text NOT NULL,
    manifest_sha256 text NOT NULL,
    manifest_size_bytes bigint NOT NULL,
    counts jsonb NOT NULL,
    new_labels integer NOT NULL,
    released_at timestamptz NOT NULL,
    PRIMARY KEY (task, number),
    -- A repeated trigger and a second process release nothing twice.
    UNIQUE (task, trigger)
);

-- The newest slot of the schedule that was dealt with, also if there were too few labels.
CREATE TABLE dataset_accumulator.slots (
    task text PRIMARY KEY,
    slot timestamptz NOT NULL
);
