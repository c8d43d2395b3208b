-- No label stands for more than a thousand cases; one of before that would, counts as a thousand.
-- `draw_key` is the version of the key that drew a group's split; unknown for those of before.
UPDATE dataset_accumulator.labels SET inclusion_probability = 0.001
    WHERE inclusion_probability < 0.001;
ALTER TABLE dataset_accumulator.labels
    DROP CONSTRAINT labels_inclusion_probability_check,
    ADD CONSTRAINT inclusion_is_likely CHECK (
        inclusion_probability >= 0.001 AND inclusion_probability <= 1);
ALTER TABLE dataset_accumulator.groups ADD COLUMN draw_key text;
