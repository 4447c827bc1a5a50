ALTER TABLE quality_samples DROP COLUMN reduced_pictures;
ALTER TABLE quality_samples DROP COLUMN pictures;
ALTER TABLE quality_samples DROP COLUMN down_height;
ALTER TABLE quality_samples DROP COLUMN up_height;
