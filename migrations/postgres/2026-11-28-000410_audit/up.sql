-- Who changed what by an API key or a token, and who moderated whom. Read newest first, and forgotten after a while.
CREATE TABLE audit (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id     text NOT NULL DEFAULT 'default',
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    actor_kind text NOT NULL,
    action     text NOT NULL,
    subject    text NOT NULL,
    status     bigint NOT NULL,
    detail     json,
    address    text,
    request_id text NOT NULL
);

-- A tenant's log, newest first.
CREATE INDEX audit_newest ON audit (org_id, at DESC, id DESC);
-- What has been kept for long enough.
CREATE INDEX audit_oldest ON audit (at);
