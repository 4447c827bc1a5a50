-- Recordings of calls: how they stand and what came of them. `next_try_at` and `tries` belong to the outbox of uploads.

CREATE TABLE recordings (
    id               text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id           text        NOT NULL DEFAULT 'default',
    call_id          text COLLATE "C" NOT NULL REFERENCES calls (id),
    mode             text        NOT NULL,
    status           text        NOT NULL,
    paused           boolean     NOT NULL DEFAULT FALSE,
    layout           text,
    participants     json        NOT NULL,
    requested_at     timestamptz NOT NULL,
    started_at       timestamptz,
    stopped_at       timestamptz,
    duration_seconds bigint      NOT NULL DEFAULT 0,
    files            json        NOT NULL,
    report           json,
    error            text,
    tries            bigint      NOT NULL DEFAULT 0,
    next_try_at      timestamptz
);

CREATE INDEX recordings_of_call ON recordings (call_id, id);

-- What something is still to come of.
CREATE INDEX recordings_unsettled ON recordings (status) WHERE status NOT IN ('available', 'failed');
