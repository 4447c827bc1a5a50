-- Times are milliseconds since 1970 (UTC), JSON is text, booleans are 0 or 1.

CREATE TABLE rooms (
    id               TEXT    NOT NULL PRIMARY KEY,
    org_id           TEXT    NOT NULL DEFAULT 'default',
    name             TEXT    NOT NULL,
    room_type        TEXT    NOT NULL,
    max_participants INTEGER NOT NULL,
    settings         TEXT    NOT NULL,
    locked           BOOLEAN NOT NULL,
    password_hash    TEXT,
    scheduled_at     INTEGER,
    created_at       INTEGER NOT NULL,
    deleted_at       INTEGER
);

-- The list of rooms, newest first.
CREATE INDEX rooms_newest ON rooms (created_at DESC, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE calls (
    id               TEXT    NOT NULL PRIMARY KEY,
    org_id           TEXT    NOT NULL DEFAULT 'default',
    call_type        TEXT    NOT NULL,
    kind             TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    room_id          TEXT    REFERENCES rooms (id),
    from_user        TEXT,
    to_users         TEXT    NOT NULL,
    end_reason       TEXT,
    duration_seconds INTEGER NOT NULL,
    recording        BOOLEAN NOT NULL,
    transcription    BOOLEAN NOT NULL,
    metadata         TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER,
    ended_at         INTEGER
);

-- The history, newest first, alone and by each of its filters.
CREATE INDEX calls_newest ON calls (created_at DESC, id DESC);
CREATE INDEX calls_newest_of_room ON calls (room_id, created_at DESC, id DESC) WHERE room_id IS NOT NULL;
CREATE INDEX calls_newest_by_status ON calls (status, created_at DESC, id DESC);
CREATE INDEX calls_newest_by_kind ON calls (kind, created_at DESC, id DESC);

-- Whose history a call belongs to: who rang, who was rung, who came in. The call's `created_at` is here too, so that a
-- page of a user's history is read off the key, however long the history is.
CREATE TABLE call_users (
    user_id    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    call_id    TEXT    NOT NULL REFERENCES calls (id),
    org_id     TEXT    NOT NULL DEFAULT 'default',
    PRIMARY KEY (user_id, created_at DESC, call_id DESC)
) WITHOUT ROWID;

CREATE TABLE participants (
    id           TEXT    NOT NULL PRIMARY KEY,
    org_id       TEXT    NOT NULL DEFAULT 'default',
    call_id      TEXT    NOT NULL REFERENCES calls (id),
    user_id      TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    display_name TEXT,
    audio        BOOLEAN NOT NULL,
    video        BOOLEAN NOT NULL,
    screen       BOOLEAN NOT NULL,
    hand         BOOLEAN NOT NULL,
    joined_at    INTEGER NOT NULL,
    left_at      INTEGER,
    leave_reason TEXT
);

CREATE INDEX participants_of_call ON participants (call_id, joined_at, id);
CREATE INDEX participants_present ON participants (call_id) WHERE left_at IS NULL;

CREATE TABLE facts (
    position INTEGER NOT NULL PRIMARY KEY,
    id       TEXT    NOT NULL UNIQUE,
    org_id   TEXT    NOT NULL DEFAULT 'default',
    subject  TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    body     TEXT    NOT NULL,
    UNIQUE (subject, seq)
);

-- One row. Who writes facts takes it first and holds it until the commit: positions are in the order of commits.
CREATE TABLE journal_head (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    org_id   TEXT    NOT NULL DEFAULT 'default',
    position INTEGER NOT NULL
);

INSERT INTO journal_head (id, position) VALUES (1, 0);

CREATE TABLE api_keys (
    hash       TEXT    NOT NULL PRIMARY KEY,
    org_id     TEXT    NOT NULL DEFAULT 'default',
    prefix     TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
);

CREATE TABLE secrets (
    name       TEXT    NOT NULL PRIMARY KEY,
    org_id     TEXT    NOT NULL DEFAULT 'default',
    value      BLOB    NOT NULL,
    created_at INTEGER NOT NULL
);
