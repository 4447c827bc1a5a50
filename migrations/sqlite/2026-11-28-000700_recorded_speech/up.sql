-- How the transcript of a recording stands, once one was asked for.
ALTER TABLE recordings ADD COLUMN transcript TEXT;

-- What may be said in a room, as in a voice menu; anything where there is nothing in it.
ALTER TABLE rooms ADD COLUMN phrases TEXT NOT NULL DEFAULT '[]';
