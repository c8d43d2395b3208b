-- The words of the field: a blind review hides the model's answer until its reviewer has one of
-- their own; a lease that the lead ended is revoked; a decision is the opinion of its deciding seat;
-- and seats are leased in the order of their rank. Indexes and constraints follow their columns.
ALTER TABLE review_queue.reviews RENAME COLUMN withheld TO blind;
ALTER TABLE review_queue.reviews RENAME COLUMN standing TO deciding_seat;
ALTER TABLE review_queue.assignments RENAME COLUMN taken_back TO revoked;
ALTER TABLE review_queue.seats RENAME COLUMN place TO queue_rank;
-- Where the route reason would give the model's answer away.
UPDATE review_queue.seats SET reason = 'blind' WHERE reason = 'withheld';
