-- What was said. `spoken_at` is when it was understood, which pages of a search go by.

CREATE TABLE utterances (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id         text             NOT NULL DEFAULT 'default',
    call_id        text COLLATE "C" NOT NULL REFERENCES calls (id),
    participant_id text COLLATE "C" NOT NULL,
    user_id        text             NOT NULL,
    text           text             NOT NULL,
    start_ms       bigint           NOT NULL,
    end_ms         bigint           NOT NULL,
    confidence     real             NOT NULL,
    words          json             NOT NULL,
    spoken_at      timestamptz      NOT NULL,
    search         tsvector         NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED
);

CREATE INDEX utterances_of_call ON utterances (call_id, start_ms, id);
CREATE INDEX utterances_search ON utterances USING gin (search);
