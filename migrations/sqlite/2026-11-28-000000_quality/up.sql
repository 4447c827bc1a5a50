-- Five seconds of one connection. A page of a call's quality is read off the key, newest first.
CREATE TABLE quality_samples (
    call_id        TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    participant_id TEXT    NOT NULL,
    org_id         TEXT    NOT NULL DEFAULT 'default',
    score          REAL    NOT NULL,
    up_kbps        INTEGER NOT NULL,
    down_kbps      INTEGER NOT NULL,
    loss           REAL    NOT NULL,
    rtt_ms         INTEGER,
    jitter_ms      INTEGER NOT NULL,
    freezes        INTEGER NOT NULL,
    estimate_kbps  INTEGER,
    PRIMARY KEY (call_id, at DESC, participant_id DESC)
) WITHOUT ROWID;
