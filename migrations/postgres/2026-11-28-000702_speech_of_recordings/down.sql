DROP INDEX utterances_of_recording;
ALTER TABLE utterances DROP COLUMN recording_id;
