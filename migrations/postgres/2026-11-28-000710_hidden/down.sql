ALTER TABLE participants DROP COLUMN hidden;
