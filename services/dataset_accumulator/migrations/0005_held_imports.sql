-- Rows of a file wait here and are no labels: in no release, and towards no threshold.
CREATE TABLE dataset_accumulator.held_rows (
    import_id text NOT NULL REFERENCES dataset_accumulator.imports,
    line integer NOT NULL,
    case_id text NOT NULL,
    content_sha256 text NOT NULL,
    judged_sha256 text NOT NULL,
    label jsonb NOT NULL,
    PRIMARY KEY (import_id, line)
);
CREATE INDEX held_rows_of_a_claim ON dataset_accumulator.held_rows (import_id, case_id);

ALTER TABLE dataset_accumulator.imports
    ADD COLUMN file_sha256 text,
    ADD COLUMN recalled_by text,
    ADD COLUMN recalled_at timestamptz,
    ADD COLUMN recall_reason text,
    ADD UNIQUE (import_id, imported_by),
    DROP CONSTRAINT imports_status_check,
    ADD CONSTRAINT imports_status_check CHECK (
        status IN ('running', 'held', 'releasing', 'finished', 'failed', 'recalled')),
    ADD CONSTRAINT imports_recall CHECK (
        (status = 'recalled') = (recalled_by IS NOT NULL)
        AND (recalled_by IS NULL) = (recall_reason IS NULL));

-- What let an import's rows become labels: a second person, or the setting that asks for none.
CREATE TABLE dataset_accumulator.confirmations (
    import_id text PRIMARY KEY,
    imported_by text NOT NULL,
    confirmed_by text,
    needed boolean NOT NULL,
    confirmed_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (import_id, imported_by)
        REFERENCES dataset_accumulator.imports (import_id, imported_by),
    CONSTRAINT confirmations_second_person
        CHECK (lower(btrim(confirmed_by)) <> lower(btrim(imported_by))),
    CONSTRAINT confirmations_needed CHECK (confirmed_by IS NOT NULL OR NOT needed)
);
-- Imports of the version before came in when nobody had to confirm.
INSERT INTO dataset_accumulator.confirmations (import_id, imported_by, needed, confirmed_at)
SELECT import_id, imported_by, false, started_at FROM dataset_accumulator.imports;

-- Why no dataset version has a label, if none may.
ALTER TABLE dataset_accumulator.labels
    ADD COLUMN withheld text CHECK (
        withheld IN ('recalled', 'held_out', 'automatic', 'repeated', 'two_sides')),
    DROP CONSTRAINT labels_import_id_fkey,
    ADD CONSTRAINT labels_of_confirmed_imports
        FOREIGN KEY (import_id) REFERENCES dataset_accumulator.confirmations;
UPDATE dataset_accumulator.labels SET withheld = 'held_out'
    WHERE source = 'import' AND split = 'certification';
ALTER TABLE dataset_accumulator.labels ADD CONSTRAINT imports_never_certify
    CHECK (source = 'review' OR split <> 'certification' OR withheld IS NOT NULL);
CREATE INDEX labels_of_an_import ON dataset_accumulator.labels (import_id)
    WHERE import_id IS NOT NULL;

DROP INDEX dataset_accumulator.labels_unreleased;
CREATE INDEX labels_unreleased ON dataset_accumulator.labels (task, id) INCLUDE (split)
    WHERE CASE WHEN withheld IS NULL THEN released_revision IS DISTINCT FROM revision
               ELSE released_revision IS NOT NULL END;

-- How many labels of which import a dataset version has.
ALTER TABLE dataset_accumulator.releases ADD COLUMN imports jsonb NOT NULL DEFAULT '{}';
UPDATE dataset_accumulator.releases SET imports = counted.imports
FROM (
    SELECT dataset_version, jsonb_object_agg(import_id, labels) AS imports
    FROM (
        SELECT dataset_version, import_id, count(*) AS labels
        FROM dataset_accumulator.releases
        JOIN dataset_accumulator.labels USING (task)
        WHERE import_id IS NOT NULL AND released_revision IS NOT NULL
            AND received_at <= released_at
        GROUP BY dataset_version, import_id
    ) AS each_import
    GROUP BY dataset_version
) AS counted
WHERE counted.dataset_version = releases.dataset_version;
