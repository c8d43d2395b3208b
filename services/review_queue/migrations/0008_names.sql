-- The words of the field: a blind review hides the model's answer until its reviewer has one of
-- their own; a lease that the lead ended is revoked; a decision is the opinion of its deciding seat;
-- and seats are leased in the order of their rank. Indexes and constraints follow their columns.
ALTER TABLE review_queue.reviews RENAME COLUMN withheld TO blind;
ALTER TABLE review_queue.reviews RENAME COLUMN standing TO deciding_seat;
ALTER TABLE review_queue.assignments RENAME COLUMN taken_back TO revoked;
ALTER TABLE review_queue.seats RENAME COLUMN place TO queue_rank;
-- Where the route reason would give the model's answer away.
UPDATE review_queue.seats SET reason = 'blind' WHERE reason = 'withheld';
-- The reason `policy` was one word for three causes. Of those that were stored, all that is known is
-- whether the model could read the case.
UPDATE review_queue.requests SET body = regexp_replace(
    body,
    '\},"reason":"policy",("inclusion_probability":[^,]*,"routing_version":"[^"]*","answer":null)',
    '},"reason":"unscored",\1')
WHERE review_id IN (SELECT review_id FROM review_queue.seats WHERE reason IN ('policy', 'blind'))
    AND body LIKE '%},"reason":"policy","inclusion_probability":%';
UPDATE review_queue.requests SET body = replace(
    body,
    '},"reason":"policy","inclusion_probability":',
    '},"reason":"stale_version","inclusion_probability":')
WHERE review_id IN (SELECT review_id FROM review_queue.seats WHERE reason IN ('policy', 'blind'))
    AND body LIKE '%},"reason":"policy","inclusion_probability":%';
UPDATE review_queue.seats AS s SET reason = CASE
    WHEN body LIKE '%},"reason":"unscored","inclusion_probability":%' THEN 'unscored'
    ELSE 'stale_version' END
FROM review_queue.requests AS q WHERE q.review_id = s.review_id AND s.reason = 'policy';
-- The task `adjudication` spells authorization the American way: in a kind of edit and a reason code.
-- A quote inside of a text is escaped in JSON, so no note is touched.
UPDATE review_queue.requests
SET body = replace(body, '"kind":"authorisation"', '"kind":"authorization"')
WHERE body LIKE '%"kind":"authorisation"%';
UPDATE review_queue.drafts
SET content = replace(content, '"AUTHORISATION_MISSING"', '"AUTHORIZATION_MISSING"')
WHERE content LIKE '%"AUTHORISATION_MISSING"%';
UPDATE review_queue.opinions SET reason_code = 'AUTHORIZATION_MISSING'
WHERE reason_code = 'AUTHORISATION_MISSING';
UPDATE review_queue.corrections SET reason_code = 'AUTHORIZATION_MISSING'
WHERE reason_code = 'AUTHORISATION_MISSING';
