ALTER TABLE rooms DROP COLUMN encryption;
