-- Who is host whenever they come in; none: the first to come in is.
ALTER TABLE rooms ADD COLUMN host TEXT;
