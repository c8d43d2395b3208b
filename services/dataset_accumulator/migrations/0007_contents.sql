-- A content is the text that a model reads of a case. It lies on one side of the data,
-- whoever it is about, and counts once, however often it comes.
CREATE TABLE dataset_accumulator.contents (
    task text NOT NULL,
    text_sha256 text NOT NULL,
    split text NOT NULL,
    PRIMARY KEY (task, text_sha256),
    UNIQUE (task, text_sha256, split)
);
-- Labels of the version before have neither, until the service has read them.
ALTER TABLE dataset_accumulator.labels
    ADD COLUMN text_sha256 text,
    ADD COLUMN prompt_version text, -- whose text was hashed
    ADD COLUMN content_split text GENERATED ALWAYS AS (
        CASE WHEN withheld IS NULL OR withheld = 'repeated' THEN split END) STORED;
ALTER TABLE dataset_accumulator.labels
    ADD CONSTRAINT labels_content_on_one_side
        FOREIGN KEY (task, text_sha256, content_split)
        REFERENCES dataset_accumulator.contents (task, text_sha256, split);
CREATE UNIQUE INDEX labels_content_counts_once
    ON dataset_accumulator.labels (task, text_sha256) WHERE withheld IS NULL;
CREATE INDEX labels_of_a_content ON dataset_accumulator.labels (task, text_sha256);
CREATE INDEX labels_by_prompt ON dataset_accumulator.labels (task, prompt_version);
