ALTER TABLE recordings DROP COLUMN recorded_ms;
ALTER TABLE recordings DROP COLUMN runs_since;
ALTER TABLE recordings DROP COLUMN due_at;
