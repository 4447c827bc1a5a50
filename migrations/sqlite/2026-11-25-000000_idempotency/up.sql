-- First replies to POSTs that came with an `Idempotency-Key`, for who asks again. While there is no status, the request
-- still runs.

CREATE TABLE idempotency (
    caller          TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    org_id          TEXT    NOT NULL DEFAULT 'default',
    request         TEXT    NOT NULL,
    body_hash       TEXT    NOT NULL,
    status          INTEGER,
    headers         TEXT    NOT NULL,
    body            BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (caller, idempotency_key)
) WITHOUT ROWID;

-- What has been kept for long enough.
CREATE INDEX idempotency_oldest ON idempotency (created_at);
