-- Composed while it is recorded.
ALTER TABLE recordings ADD COLUMN live BOOLEAN NOT NULL DEFAULT FALSE;
