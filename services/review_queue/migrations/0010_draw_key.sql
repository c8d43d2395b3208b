-- The version of the key that drew whether several people see a review, and whether it is blind.
ALTER TABLE review_queue.reviews ADD COLUMN draw_key text;
