-- Endpoints that are told of facts, and the outbox of what they are told: a delivery is written in the transaction of
-- its fact, so there is one for each fact that became true and none for any other.

CREATE TABLE webhooks (
    id              TEXT    NOT NULL PRIMARY KEY,
    org_id          TEXT NOT NULL DEFAULT 'default',
    url             TEXT NOT NULL,
    events          TEXT NOT NULL,
    description     TEXT,
    enabled         BOOLEAN NOT NULL,
    disabled_reason TEXT,
    secret          TEXT NOT NULL,
    previous_secret TEXT,
    previous_until  INTEGER,
    created_at      INTEGER NOT NULL
);

CREATE TABLE webhook_deliveries (
    id         TEXT    NOT NULL PRIMARY KEY,
    org_id     TEXT NOT NULL DEFAULT 'default',
    webhook_id TEXT    NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id   TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    name       TEXT NOT NULL,
    status     TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    next_at    INTEGER,
    settled_at INTEGER,
    log        TEXT NOT NULL
);

-- What is to be sent, in the order of the facts.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at, position) WHERE next_at IS NOT NULL;
-- The log of one endpoint, newest first.
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (webhook_id, created_at DESC, id DESC);
-- What has been kept for long enough.
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL;
