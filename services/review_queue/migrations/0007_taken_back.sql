-- Given back by the lead who paused the reviewer: no skip, so that he may have the case again.
ALTER TABLE review_queue.assignments ADD COLUMN taken_back boolean NOT NULL DEFAULT false;
