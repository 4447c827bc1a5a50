ALTER TABLE journal_head DROP COLUMN alive_at;
ALTER TABLE calls DROP COLUMN interruptions;
