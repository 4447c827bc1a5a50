-- Of which recording an utterance was understood; nothing where somebody listened while it was said.
ALTER TABLE utterances ADD COLUMN recording_id text COLLATE "C";

CREATE INDEX utterances_of_recording ON utterances (recording_id) WHERE recording_id IS NOT NULL;
