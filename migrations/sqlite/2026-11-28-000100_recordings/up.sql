-- Recordings of calls: how they stand and what came of them. `next_try_at` and `tries` belong to the outbox of uploads.

CREATE TABLE recordings (
    id               TEXT    NOT NULL PRIMARY KEY,
    org_id           TEXT    NOT NULL DEFAULT 'default',
    call_id          TEXT    NOT NULL REFERENCES calls (id),
    mode             TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    paused           BOOLEAN NOT NULL DEFAULT FALSE,
    layout           TEXT,
    participants     TEXT    NOT NULL,
    requested_at     INTEGER NOT NULL,
    started_at       INTEGER,
    stopped_at       INTEGER,
    duration_seconds INTEGER NOT NULL DEFAULT 0,
    files            TEXT    NOT NULL,
    report           TEXT,
    error            TEXT,
    tries            INTEGER NOT NULL DEFAULT 0,
    next_try_at      INTEGER
);

CREATE INDEX recordings_of_call ON recordings (call_id, id);

-- What something is still to come of.
CREATE INDEX recordings_unsettled ON recordings (status) WHERE status NOT IN ('available', 'failed');
