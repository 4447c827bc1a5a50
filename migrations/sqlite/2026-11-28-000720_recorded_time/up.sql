-- How long a recording is before it is processed, pauses left out: what it was until it last began to run, and when that was.
ALTER TABLE recordings ADD COLUMN recorded_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN runs_since INTEGER;
-- Since when its upload is due.
ALTER TABLE recordings ADD COLUMN due_at INTEGER;
UPDATE recordings SET runs_since = started_at WHERE status = 'active' AND NOT paused;
UPDATE recordings SET recorded_ms = max(stopped_at - started_at, 0)
    WHERE report IS NULL AND started_at IS NOT NULL AND stopped_at IS NOT NULL;
UPDATE recordings SET due_at = stopped_at WHERE status = 'uploading';
