-- What this queue said before its tables were restored, of reviews that are requested again only
-- later: revision 0 is the completed review, the others are its corrections.
CREATE TABLE review_queue.earlier_decisions (
    case_id text NOT NULL,
    revision integer NOT NULL CHECK (revision >= 0),
    body text NOT NULL,
    PRIMARY KEY (case_id, revision)
);
