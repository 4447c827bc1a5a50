ALTER TABLE recordings DROP COLUMN live;
