-- How the transcripts of recordings stand, once they were asked for.
CREATE TABLE recording_transcripts (
    recording_id TEXT NOT NULL PRIMARY KEY REFERENCES recordings (id),
    org_id       TEXT NOT NULL DEFAULT 'default',
    status       TEXT NOT NULL,
    body         TEXT NOT NULL
);

-- What is still to be made.
CREATE INDEX recording_transcripts_queued ON recording_transcripts (recording_id) WHERE status = 'queued';

-- What may be said in a room, as in a voice menu; anything where there is nothing in it.
ALTER TABLE rooms ADD COLUMN phrases TEXT NOT NULL DEFAULT '[]';
