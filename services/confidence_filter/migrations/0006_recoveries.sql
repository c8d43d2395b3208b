-- What the filter is to take over from its own topics, once, because its tables were restored:
-- `caseloop recover` writes it. On a topic anybody might say something; here they might not.
CREATE TABLE confidence_filter.recoveries (
    topic text NOT NULL,
    partition integer NOT NULL CHECK (partition >= 0),
    first_offset bigint NOT NULL CHECK (first_offset >= 0),
    end_offset bigint NOT NULL CHECK (end_offset > first_offset),
    PRIMARY KEY (topic, partition)
);
-- A routing that was taken over so. Its event says neither the label mass nor, if it is a decision,
-- the rollout and the key of draws: they stay unknown.
ALTER TABLE confidence_filter.routings
    ADD COLUMN restored boolean NOT NULL DEFAULT false,
    ALTER COLUMN rollout_revision DROP NOT NULL,
    ADD CONSTRAINT rollout_is_known CHECK (restored OR rollout_revision IS NOT NULL);
