-- Endpoints that are told of facts, and the outbox of what they are told: a delivery is written in the transaction of
-- its fact, so there is one for each fact that became true and none for any other.

CREATE TABLE webhooks (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id          text NOT NULL DEFAULT 'default',
    url             text NOT NULL,
    events          json NOT NULL,
    description     text,
    enabled         boolean NOT NULL,
    disabled_reason text,
    secret          text NOT NULL,
    previous_secret text,
    previous_until  timestamptz,
    created_at      timestamptz NOT NULL
);

CREATE TABLE webhook_deliveries (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id     text NOT NULL DEFAULT 'default',
    webhook_id text COLLATE "C" NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id   text COLLATE "C" NOT NULL,
    position   bigint NOT NULL,
    name       text NOT NULL,
    status     text NOT NULL,
    attempts   bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    since      timestamptz NOT NULL,
    next_at    timestamptz,
    settled_at timestamptz,
    log        json NOT NULL
);

-- What is to be sent, in the order of the facts.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at, position) WHERE next_at IS NOT NULL;
-- The log of one endpoint, newest first.
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (webhook_id, created_at DESC, id DESC);
-- What has been kept for long enough.
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL;
