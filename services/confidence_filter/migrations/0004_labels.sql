-- Which labels are against the member, as the tasks define them: no routing can say otherwise.
CREATE TABLE confidence_filter.labels (
    task text NOT NULL,
    label text NOT NULL,
    adverse boolean NOT NULL,
    PRIMARY KEY (task, label),
    UNIQUE (task, label, adverse)
);
ALTER TABLE confidence_filter.routings
    ADD CONSTRAINT adverse_as_defined FOREIGN KEY (task, label, adverse)
        REFERENCES confidence_filter.labels (task, label, adverse) NOT VALID,
    ADD CONSTRAINT accept_has_label CHECK (route <> 'accept' OR label IS NOT NULL) NOT VALID;
