-- Where the expert approved a part only. No model can say that, so nothing is trained on it, and to
-- accept such a case in full is an error.
ALTER TABLE dataset_accumulator.labels ADD COLUMN in_part boolean NOT NULL DEFAULT false;
ALTER TABLE dataset_accumulator.corrections ADD COLUMN in_part boolean NOT NULL DEFAULT false;
