-- Others in the call do not learn of this presence.
ALTER TABLE participants ADD COLUMN hidden BOOLEAN NOT NULL DEFAULT FALSE;
