-- When the server was down while a call lived, and when it was last known to be up.
ALTER TABLE calls ADD COLUMN interruptions TEXT NOT NULL DEFAULT '[]';
ALTER TABLE journal_head ADD COLUMN alive_at INTEGER;
