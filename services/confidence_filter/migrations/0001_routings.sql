CREATE TABLE confidence_filter.routings (
    case_id text PRIMARY KEY,
    task text NOT NULL,
    content_sha256 text NOT NULL,
    route text NOT NULL CHECK (route IN ('accept', 'review')),
    reason text NOT NULL,
    inclusion_probability float8 NOT NULL
        CHECK (inclusion_probability > 0 AND inclusion_probability <= 1),
    label text,
    adverse boolean,
    confidence float8,
    label_mass float8,
    model_version text,
    rollout_id text,
    rollout_revision integer NOT NULL,
    routed_at timestamptz NOT NULL DEFAULT now(),
    -- No model output becomes a final adverse decision.
    CONSTRAINT no_adverse_accept CHECK (route <> 'accept' OR (adverse IS NOT NULL AND NOT adverse)),
    CONSTRAINT accept_has_reason CHECK ((route = 'accept') = (reason = 'confident'))
);
