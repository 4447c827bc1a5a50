ALTER TABLE rooms DROP COLUMN phrases;
DROP TABLE recording_transcripts;
