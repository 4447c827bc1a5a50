-- The pictures of a sample: which layers came and left, and how many were smaller than their tile. Samples before have none.
ALTER TABLE quality_samples ADD COLUMN up_height INTEGER;
ALTER TABLE quality_samples ADD COLUMN down_height INTEGER;
ALTER TABLE quality_samples ADD COLUMN pictures INTEGER;
ALTER TABLE quality_samples ADD COLUMN reduced_pictures INTEGER;
