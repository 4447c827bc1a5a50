ALTER TABLE rooms DROP COLUMN phrases;
ALTER TABLE recordings DROP COLUMN transcript;
