-- Ids sort by bytes (COLLATE "C"), as SQLite sorts them. JSON is `json`, not `jsonb`: callers' metadata comes back as
-- it was given, even with a NUL in it, which `jsonb` refuses; nothing searches inside it.

CREATE TABLE rooms (
    id               text         COLLATE "C" NOT NULL PRIMARY KEY,
    org_id           text         NOT NULL DEFAULT 'default',
    name             text         NOT NULL,
    room_type        text         NOT NULL,
    max_participants bigint       NOT NULL,
    settings         json         NOT NULL,
    locked           boolean      NOT NULL,
    password_hash    text,
    scheduled_at     timestamptz,
    created_at       timestamptz  NOT NULL,
    deleted_at       timestamptz
);

-- The list of rooms, newest first.
CREATE INDEX rooms_newest ON rooms (created_at DESC, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE calls (
    id               text         COLLATE "C" NOT NULL PRIMARY KEY,
    org_id           text         NOT NULL DEFAULT 'default',
    call_type        text         NOT NULL,
    kind             text         NOT NULL,
    status           text         NOT NULL,
    room_id          text         COLLATE "C" REFERENCES rooms (id),
    from_user        text,
    to_users         json         NOT NULL,
    end_reason       text,
    duration_seconds bigint       NOT NULL,
    recording        boolean      NOT NULL,
    transcription    boolean      NOT NULL,
    metadata         json         NOT NULL,
    created_at       timestamptz  NOT NULL,
    started_at       timestamptz,
    ended_at         timestamptz
);

-- The history, newest first, alone and by each of its filters.
CREATE INDEX calls_newest ON calls (created_at DESC, id DESC);
CREATE INDEX calls_newest_of_room ON calls (room_id, created_at DESC, id DESC) WHERE room_id IS NOT NULL;
CREATE INDEX calls_newest_by_status ON calls (status, created_at DESC, id DESC);
CREATE INDEX calls_newest_by_kind ON calls (kind, created_at DESC, id DESC);

-- Whose history a call belongs to: who rang, who was rung, who came in. The call's `created_at` is here too, so that a
-- page of a user's history is read off the key (backwards), however long the history is.
CREATE TABLE call_users (
    user_id    text        NOT NULL,
    created_at timestamptz NOT NULL,
    call_id    text        COLLATE "C" NOT NULL REFERENCES calls (id),
    org_id     text        NOT NULL DEFAULT 'default',
    PRIMARY KEY (user_id, created_at, call_id)
);

CREATE TABLE participants (
    id           text         COLLATE "C" NOT NULL PRIMARY KEY,
    org_id       text         NOT NULL DEFAULT 'default',
    call_id      text         COLLATE "C" NOT NULL REFERENCES calls (id),
    user_id      text         NOT NULL,
    role         text         NOT NULL,
    display_name text,
    audio        boolean      NOT NULL,
    video        boolean      NOT NULL,
    screen       boolean      NOT NULL,
    hand         boolean      NOT NULL,
    joined_at    timestamptz  NOT NULL,
    left_at      timestamptz,
    leave_reason text
);

CREATE INDEX participants_of_call ON participants (call_id, joined_at, id);
CREATE INDEX participants_present ON participants (call_id) WHERE left_at IS NULL;

CREATE TABLE facts (
    position bigint      NOT NULL PRIMARY KEY,
    id       text        COLLATE "C" NOT NULL UNIQUE,
    org_id   text        NOT NULL DEFAULT 'default',
    subject  text        NOT NULL,
    seq      bigint      NOT NULL,
    name     text        NOT NULL,
    at       timestamptz NOT NULL,
    body     json        NOT NULL,
    UNIQUE (subject, seq)
);

-- One row. Who writes facts takes it first and holds it until the commit: positions are in the order of commits.
CREATE TABLE journal_head (
    id       smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    org_id   text     NOT NULL DEFAULT 'default',
    position bigint   NOT NULL
);

INSERT INTO journal_head (id, position) VALUES (1, 0);

CREATE TABLE api_keys (
    hash       text        NOT NULL PRIMARY KEY,
    org_id     text        NOT NULL DEFAULT 'default',
    prefix     text        NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE secrets (
    name       text        NOT NULL PRIMARY KEY,
    org_id     text        NOT NULL DEFAULT 'default',
    value      bytea       NOT NULL,
    created_at timestamptz NOT NULL
);
