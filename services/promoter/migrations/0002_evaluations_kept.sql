-- Each evaluation whole, for when its champion returns. Of the older ones the newest is known.
ALTER TABLE promoter.evaluations ADD COLUMN evaluation jsonb;
UPDATE promoter.evaluations e SET evaluation = v.evaluation
FROM promoter.versions v
WHERE v.version = e.version AND v.evaluation ->> 'champion' IS NOT DISTINCT FROM e.champion;
