-- What a key is for, in the words of who made it.
ALTER TABLE api_keys ADD COLUMN label text;
