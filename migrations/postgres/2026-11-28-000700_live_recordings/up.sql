-- Composed while it is recorded.
ALTER TABLE recordings ADD COLUMN live boolean NOT NULL DEFAULT false;
