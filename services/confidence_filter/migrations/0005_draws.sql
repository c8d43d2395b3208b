-- No label stands for more than a thousand cases. `draw_key` is the version of the key that drew
-- whether the case is audited. Rows of before keep what they have, hence NOT VALID.
ALTER TABLE confidence_filter.routings
    DROP CONSTRAINT routings_inclusion_probability_check,
    ADD CONSTRAINT inclusion_is_likely CHECK (
        inclusion_probability >= 0.001 AND inclusion_probability <= 1) NOT VALID,
    ADD COLUMN draw_key text;
