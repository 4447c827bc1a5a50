-- Files that members shared in a call; what is in them is on disk.

CREATE TABLE files (
    id         TEXT    NOT NULL PRIMARY KEY,
    org_id     TEXT    NOT NULL DEFAULT 'default',
    call_id    TEXT    NOT NULL REFERENCES calls (id),
    name       TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    size_bytes INTEGER NOT NULL,
    from_id    TEXT    NOT NULL,
    to_id      TEXT,
    shared_at  INTEGER NOT NULL
);

CREATE INDEX files_of_call ON files (call_id, id);

-- What was kept for long enough.
CREATE INDEX files_by_age ON files (shared_at);
