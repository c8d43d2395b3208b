-- A review has one final word; nobody is asked any more for what could not change it.
ALTER TABLE review_queue.seats
    DROP CONSTRAINT seats_state_check,
    ADD CONSTRAINT seats_state_check
        CHECK (state IN ('queued', 'leased', 'submitted', 'answered', 'withdrawn'));
CREATE UNIQUE INDEX one_final_word ON review_queue.seats (review_id) WHERE kind = 'final';
-- A task's overlap may be three.
ALTER TABLE review_queue.reviews
    DROP CONSTRAINT reviews_wanted_check,
    ADD CONSTRAINT reviews_wanted_check CHECK (wanted BETWEEN 1 AND 3);
