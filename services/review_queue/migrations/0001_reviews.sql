-- What is asked of the experts. Narrow on purpose: these rows change with every step of a review.
CREATE TABLE review_queue.reviews (
    review_id text PRIMARY KEY,
    case_id text NOT NULL UNIQUE,
    content_sha256 text NOT NULL,
    task text NOT NULL,
    reason text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 3),
    requested_at timestamptz NOT NULL,
    -- The place in line: when it was requested, less the head start of its priority. So what is
    -- urgent comes first and nothing waits for ever.
    place timestamptz NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    state text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'leased', 'submitted', 'completed')),
    settles_at timestamptz,
    completed_at timestamptz,
    CONSTRAINT submitted_settles CHECK ((state = 'submitted') = (settles_at IS NOT NULL)),
    CONSTRAINT completed_when CHECK ((state = 'completed') = (completed_at IS NOT NULL))
);
-- Many requests have one time, and the head of the line dies all the time: an entry that was put
-- together with others would stay until all of them are dead.
CREATE INDEX reviews_next ON review_queue.reviews (place)
    WITH (deduplicate_items = off) WHERE state = 'queued';
CREATE INDEX reviews_next_of_task ON review_queue.reviews (task, place)
    WITH (deduplicate_items = off) WHERE state = 'queued';
CREATE INDEX reviews_next_of_priority ON review_queue.reviews (priority, place)
    WITH (deduplicate_items = off) WHERE state = 'queued';
CREATE INDEX reviews_settling ON review_queue.reviews (settles_at) WHERE state = 'submitted';
CREATE INDEX reviews_completed ON review_queue.reviews (completed_at) WHERE state = 'completed';
CREATE INDEX reviews_by_state ON review_queue.reviews (state, position);

-- The request as it came, with the case; written once, read by its key only.
CREATE TABLE review_queue.requests (
    review_id text PRIMARY KEY REFERENCES review_queue.reviews,
    body text NOT NULL
);

-- Every lease, also those that were lost. A token is never given twice.
CREATE SEQUENCE review_queue.fencing;
CREATE TABLE review_queue.assignments (
    assignment_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    review_id text NOT NULL REFERENCES review_queue.reviews,
    reviewer text NOT NULL,
    token bigint NOT NULL DEFAULT nextval('review_queue.fencing'),
    state text NOT NULL DEFAULT 'leased'
        CHECK (state IN ('leased', 'submitted', 'released', 'expired')),
    leased_at timestamptz NOT NULL DEFAULT now(),
    lease_expires_at timestamptz NOT NULL,
    opened_at timestamptz,
    released_at timestamptz,
    release_reason text,
    CONSTRAINT released_why CHECK (
        (state = 'released') = (released_at IS NOT NULL)
        AND (state = 'released') = (release_reason IS NOT NULL))
);
-- Two reviewers never hold one review.
CREATE UNIQUE INDEX assignments_live ON review_queue.assignments (review_id)
    WHERE state IN ('leased', 'submitted');
CREATE INDEX assignments_held ON review_queue.assignments (reviewer) WHERE state = 'leased';
CREATE INDEX assignments_expiring ON review_queue.assignments (lease_expires_at)
    WHERE state = 'leased';
CREATE INDEX assignments_released ON review_queue.assignments (review_id, reviewer, released_at)
    WHERE state = 'released';

-- What the reviewers said: one opinion a reviewer and review.
CREATE TABLE review_queue.opinions (
    review_id text NOT NULL REFERENCES review_queue.reviews,
    reviewer text NOT NULL,
    label text NOT NULL,
    reasoning text NOT NULL CHECK (reasoning <> ''),
    reason_code text,
    approved_amount numeric(12, 2),
    criterion text,
    decided_at timestamptz NOT NULL DEFAULT now(),
    dwell_seconds float8 NOT NULL,
    PRIMARY KEY (review_id, reviewer)
);

-- Later changes of a completed review's decision. The opinions stay as they were.
CREATE TABLE review_queue.corrections (
    review_id text NOT NULL REFERENCES review_queue.reviews,
    revision integer NOT NULL CHECK (revision >= 1),
    label text NOT NULL,
    reasoning text NOT NULL CHECK (reasoning <> ''),
    approved_amount numeric(12, 2),
    why text NOT NULL CHECK (why <> ''),
    corrected_by text NOT NULL,
    corrected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (review_id, revision)
);
