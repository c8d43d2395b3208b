-- What the promoter is to take over from its own topic, once, because its tables were restored:
-- `caseloop recover` writes it. On a topic anybody might say something; here they might not.
CREATE TABLE promoter.recoveries (
    topic text NOT NULL,
    partition integer NOT NULL CHECK (partition >= 0),
    first_offset bigint NOT NULL CHECK (first_offset >= 0),
    end_offset bigint NOT NULL CHECK (end_offset > first_offset),
    PRIMARY KEY (topic, partition)
);
