-- Five seconds of one connection. A page of a call's quality is read off the key, newest first.
CREATE TABLE quality_samples (
    call_id        text        NOT NULL,
    at             timestamptz NOT NULL,
    participant_id text        NOT NULL,
    org_id         text        NOT NULL DEFAULT 'default',
    score          real        NOT NULL,
    up_kbps        bigint      NOT NULL,
    down_kbps      bigint      NOT NULL,
    loss           real        NOT NULL,
    rtt_ms         bigint,
    jitter_ms      bigint      NOT NULL,
    freezes        bigint      NOT NULL,
    estimate_kbps  bigint,
    PRIMARY KEY (call_id, at, participant_id)
);
