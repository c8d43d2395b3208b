-- Audits are blind, and stand in line like any other case: neither a list nor the place tells them.
-- Whoever has had one before knows what the model said: that review stays as it was.
UPDATE review_queue.reviews AS r SET blind = true
FROM review_queue.seats AS s
WHERE s.review_id = r.review_id AND s.reason = 'audit' AND r.completed_at IS NULL
    AND NOT EXISTS (SELECT FROM review_queue.assignments AS a WHERE a.review_id = r.review_id);
UPDATE review_queue.seats SET reason = 'blind' WHERE reason = 'audit';
UPDATE review_queue.seats SET priority = 2, queue_rank = queue_rank - interval '8 hours'
WHERE priority = 3;
ALTER TABLE review_queue.seats
    DROP CONSTRAINT seats_priority_check,
    ADD CONSTRAINT seats_priority_check CHECK (priority BETWEEN 1 AND 2);
