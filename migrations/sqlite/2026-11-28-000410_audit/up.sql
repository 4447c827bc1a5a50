-- Who changed what by an API key or a token, and who moderated whom. Read newest first, and forgotten after a while.
CREATE TABLE audit (
    id         TEXT    NOT NULL PRIMARY KEY,
    org_id     TEXT NOT NULL DEFAULT 'default',
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    status     INTEGER NOT NULL,
    detail     TEXT,
    address    TEXT,
    request_id TEXT NOT NULL
);

-- A tenant's log, newest first.
CREATE INDEX audit_newest ON audit (org_id, at DESC, id DESC);
-- What has been kept for long enough.
CREATE INDEX audit_oldest ON audit (at);
