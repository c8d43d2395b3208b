-- A review is completed once. What changes its decision later is a correction beside it.
CREATE FUNCTION review_queue.refuse_second_completion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a review is completed once';
END $$;
CREATE TRIGGER completed_once BEFORE UPDATE OF label, deciding_seat, completed_at
    ON review_queue.reviews FOR EACH ROW WHEN (OLD.completed_at IS NOT NULL)
    EXECUTE FUNCTION review_queue.refuse_second_completion();
