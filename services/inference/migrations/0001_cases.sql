CREATE TABLE inference.cases (
    case_id text PRIMARY KEY,
    content_sha256 text NOT NULL,
    submitted_at timestamptz NOT NULL DEFAULT now()
);
