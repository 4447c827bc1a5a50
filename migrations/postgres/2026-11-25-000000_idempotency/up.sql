-- First replies to POSTs that came with an `Idempotency-Key`, for who asks again. While there is no status, the request
-- still runs.

CREATE TABLE idempotency (
    caller          text        NOT NULL,
    idempotency_key text        NOT NULL,
    org_id          text        NOT NULL DEFAULT 'default',
    request         text        NOT NULL,
    body_hash       text        NOT NULL,
    status          bigint,
    headers         json        NOT NULL,
    body            bytea       NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (caller, idempotency_key)
);

-- What has been kept for long enough.
CREATE INDEX idempotency_oldest ON idempotency (created_at);
