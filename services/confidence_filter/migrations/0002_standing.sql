-- What the task's checks left of the case. Rows of before do not know it, hence NOT VALID.
ALTER TABLE confidence_filter.routings
    ADD COLUMN standing text CHECK (standing IN ('passed', 'open', 'unchecked')),
    ADD CONSTRAINT no_unchecked_accept
        CHECK (route <> 'accept' OR standing IS NOT DISTINCT FROM 'passed') NOT VALID;
