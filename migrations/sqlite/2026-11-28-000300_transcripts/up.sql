-- What was said. `spoken_at` is when it was understood, which pages of a search go by.

CREATE TABLE utterances (
    id             INTEGER NOT NULL PRIMARY KEY,
    org_id         TEXT    NOT NULL DEFAULT 'default',
    call_id        TEXT    NOT NULL REFERENCES calls (id),
    participant_id TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    text           TEXT    NOT NULL,
    start_ms       INTEGER NOT NULL,
    end_ms         INTEGER NOT NULL,
    confidence     REAL    NOT NULL,
    words          TEXT    NOT NULL,
    spoken_at      INTEGER NOT NULL
);

CREATE INDEX utterances_of_call ON utterances (call_id, start_ms, id);

-- Words of all transcripts; it holds no text of its own.
CREATE VIRTUAL TABLE utterance_words USING fts5 (
    text, content = 'utterances', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER utterances_said AFTER INSERT ON utterances BEGIN
    INSERT INTO utterance_words (rowid, text) VALUES (new.id, new.text);
END;

CREATE TRIGGER utterances_erased AFTER DELETE ON utterances BEGIN
    INSERT INTO utterance_words (utterance_words, rowid, text) VALUES ('delete', old.id, old.text);
END;
