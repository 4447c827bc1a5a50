-- Files that members shared in a call; what is in them is on disk.

CREATE TABLE files (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id     text        NOT NULL DEFAULT 'default',
    call_id    text COLLATE "C" NOT NULL REFERENCES calls (id),
    name       text        NOT NULL,
    media_type text        NOT NULL,
    size_bytes bigint      NOT NULL,
    from_id    text        NOT NULL,
    to_id      text,
    shared_at  timestamptz NOT NULL
);

CREATE INDEX files_of_call ON files (call_id, id);

-- What was kept for long enough.
CREATE INDEX files_by_age ON files (shared_at);
