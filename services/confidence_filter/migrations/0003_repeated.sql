-- Of the cases of one claim, and of those that ask for the same under several claim ids, one came
-- first. The others repeat it, and only people decide them.
ALTER TABLE confidence_filter.routings
    ADD COLUMN claim_id text,
    ADD COLUMN attempt integer NOT NULL DEFAULT 1 CHECK (attempt >= 1),
    ADD COLUMN judged_sha256 text,
    ADD COLUMN repeats boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT no_repeated_accept CHECK (
        route <> 'accept' OR (attempt = 1 AND NOT repeats AND judged_sha256 IS NOT NULL)) NOT VALID;
CREATE UNIQUE INDEX first_of_a_claim ON confidence_filter.routings (task, claim_id)
    WHERE NOT repeats;
CREATE UNIQUE INDEX first_of_a_content ON confidence_filter.routings (task, judged_sha256)
    WHERE NOT repeats;
