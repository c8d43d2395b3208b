-- A case that repeats a claim can be the first of its content, and the other way round: whoever comes
-- after it repeats it in that. Of cases of before it is not known in what they repeat another.
ALTER TABLE confidence_filter.routings
    ADD COLUMN repeats_claim boolean NOT NULL DEFAULT false,
    ADD COLUMN repeats_content boolean NOT NULL DEFAULT false;
UPDATE confidence_filter.routings SET repeats_claim = true, repeats_content = true WHERE repeats;
DROP INDEX confidence_filter.first_of_a_claim, confidence_filter.first_of_a_content;
ALTER TABLE confidence_filter.routings
    DROP CONSTRAINT no_repeated_accept,
    DROP COLUMN repeats,
    ADD CONSTRAINT no_repeated_accept CHECK (route <> 'accept' OR (
        attempt = 1 AND NOT repeats_claim AND NOT repeats_content AND judged_sha256 IS NOT NULL
    )) NOT VALID;
CREATE UNIQUE INDEX first_of_a_claim ON confidence_filter.routings (task, claim_id)
    WHERE NOT repeats_claim;
CREATE UNIQUE INDEX first_of_a_content ON confidence_filter.routings (task, judged_sha256)
    WHERE NOT repeats_content;
