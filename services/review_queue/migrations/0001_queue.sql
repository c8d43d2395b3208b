-- What is asked of the experts: one review a case.
CREATE TABLE review_queue.reviews (
    review_id text PRIMARY KEY,
    case_id text NOT NULL UNIQUE,
    claim_id text,
    group_id text NOT NULL,
    content_sha256 text NOT NULL,
    withheld boolean NOT NULL, -- the model's answer, until the reviewer has one of his own
    wanted smallint NOT NULL CHECK (wanted BETWEEN 1 AND 2), -- opinions, before any dispute
    -- What the model said, and whether the request lets anybody see it; for statistics.
    model_version text,
    model_label text,
    model_visible boolean NOT NULL,
    label text,
    standing smallint, -- the seat whose opinion the decision is
    completed_at timestamptz,
    CONSTRAINT a_version_says_a_label CHECK ((model_version IS NULL) = (model_label IS NULL)),
    CONSTRAINT completed_with_a_label CHECK (
        (label IS NULL) = (completed_at IS NULL) AND (standing IS NULL) = (completed_at IS NULL))
);
CREATE INDEX reviews_completed ON review_queue.reviews (completed_at)
    WHERE completed_at IS NOT NULL;
CREATE INDEX reviews_of_group ON review_queue.reviews (group_id);
CREATE INDEX reviews_of_claim ON review_queue.reviews (claim_id) WHERE claim_id IS NOT NULL;

-- The request as it came, with the case; written once, read by its key only.
CREATE TABLE review_queue.requests (
    review_id text PRIMARY KEY REFERENCES review_queue.reviews,
    body text NOT NULL
);

-- A review is worked in seats: each asks one reviewer for one opinion. This is the line; what it
-- is searched by is repeated here, so that one index finds it. `states.py` has every change of
-- state, `disputes.py` says which seats a review gets.
CREATE TABLE review_queue.seats (
    review_id text NOT NULL REFERENCES review_queue.reviews,
    seat smallint NOT NULL CHECK (seat BETWEEN 1 AND 4),
    kind text NOT NULL CHECK (kind IN ('first', 'second', 'further', 'final')),
    state text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'leased', 'submitted', 'answered')),
    task text NOT NULL,
    reason text NOT NULL, -- 'withheld' where the reason would give the model's answer away
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 3),
    amount numeric(14, 2),
    requested_at timestamptz NOT NULL,
    -- The place in line: when it was requested, less the head start of its priority. So what is
    -- urgent comes first and nothing waits for ever.
    place timestamptz NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    settles_at timestamptz,
    PRIMARY KEY (review_id, seat),
    CONSTRAINT submitted_settles CHECK ((state = 'submitted') = (settles_at IS NOT NULL))
);
-- Many requests have one time, and the head of the line dies all the time: an entry that was put
-- together with others would stay until all of them are dead.
CREATE INDEX seats_next ON review_queue.seats (place)
    WITH (deduplicate_items = off) WHERE state = 'queued' AND kind <> 'final';
CREATE INDEX seats_next_of_task ON review_queue.seats (task, place)
    WITH (deduplicate_items = off) WHERE state = 'queued' AND kind <> 'final';
CREATE INDEX seats_next_final ON review_queue.seats (place) WHERE state = 'queued' AND kind = 'final';
CREATE INDEX seats_settling ON review_queue.seats (settles_at) WHERE state = 'submitted';
CREATE INDEX seats_by_state ON review_queue.seats (state, position);

-- Every lease, also those that were lost. A token is never given twice.
CREATE SEQUENCE review_queue.fencing;
CREATE TABLE review_queue.assignments (
    assignment_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    review_id text NOT NULL,
    seat smallint NOT NULL,
    reviewer text NOT NULL,
    token bigint NOT NULL DEFAULT nextval('review_queue.fencing'),
    state text NOT NULL DEFAULT 'leased' CHECK (
        state IN ('leased', 'submitted', 'answered', 'released', 'escalated', 'expired')),
    leased_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_expires_at timestamptz NOT NULL,
    opened_at timestamptz,
    label_before text, -- the reviewer's own answer, before he saw the model's
    committed_at timestamptz,
    ended_at timestamptz, -- given back, handed on or lost
    ended_why text,
    FOREIGN KEY (review_id, seat) REFERENCES review_queue.seats,
    CONSTRAINT committed_to CHECK ((label_before IS NULL) = (committed_at IS NULL)),
    CONSTRAINT given_back_why CHECK (
        (state IN ('released', 'escalated')) = (ended_why IS NOT NULL))
);
-- One reviewer holds or has answered a seat: no double lease, no opinion more than there are seats.
-- And nobody has two seats of a review.
CREATE UNIQUE INDEX assignments_live ON review_queue.assignments (review_id, seat)
    WHERE state IN ('leased', 'submitted', 'answered');
CREATE UNIQUE INDEX assignments_once ON review_queue.assignments (review_id, reviewer)
    WHERE state IN ('leased', 'submitted', 'answered', 'escalated');
CREATE INDEX assignments_held ON review_queue.assignments (reviewer) WHERE state = 'leased';
CREATE INDEX assignments_expiring ON review_queue.assignments (lease_expires_at)
    WHERE state = 'leased';
CREATE INDEX assignments_of_reviewer ON review_queue.assignments (review_id, reviewer);

-- What the reviewers said: one opinion a seat.
CREATE TABLE review_queue.opinions (
    review_id text NOT NULL,
    seat smallint NOT NULL,
    reviewer text NOT NULL,
    label text NOT NULL,
    label_before text,
    reasoning text NOT NULL CHECK (reasoning <> ''),
    reason_code text,
    clinical_basis text,
    criterion text,
    approved_amount numeric(14, 2),
    panels text[] NOT NULL DEFAULT '{}', -- what the reviewer opened on his page
    dwell_seconds float8 NOT NULL CHECK (dwell_seconds >= 0),
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (review_id, seat),
    UNIQUE (review_id, reviewer),
    FOREIGN KEY (review_id, seat) REFERENCES review_queue.seats
);
CREATE INDEX opinions_of_reviewer ON review_queue.opinions (reviewer, decided_at);
CREATE INDEX opinions_by_time ON review_queue.opinions (decided_at);

-- What is not said yet: it outlives the page, the lease and the service.
CREATE TABLE review_queue.drafts (
    review_id text NOT NULL REFERENCES review_queue.reviews,
    reviewer text NOT NULL,
    content text NOT NULL, -- JSON; jsonb refuses some of what can be typed
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (review_id, reviewer)
);

CREATE TABLE review_queue.notes (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_id text NOT NULL REFERENCES review_queue.reviews,
    author text NOT NULL,
    text text NOT NULL CHECK (text <> ''),
    written_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notes_of_review ON review_queue.notes (review_id, note_id);

-- Later changes of a completed review's decision. The opinions stay as they were.
CREATE TABLE review_queue.corrections (
    review_id text NOT NULL REFERENCES review_queue.reviews,
    revision integer NOT NULL CHECK (revision >= 1),
    label text NOT NULL,
    reasoning text NOT NULL CHECK (reasoning <> ''),
    reason_code text,
    clinical_basis text,
    criterion text,
    approved_amount numeric(14, 2),
    why text NOT NULL CHECK (why <> ''),
    corrected_by text NOT NULL,
    corrected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (review_id, revision)
);
