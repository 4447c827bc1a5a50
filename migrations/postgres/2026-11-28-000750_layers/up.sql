-- The pictures of a sample: which layers came and left, and how many were smaller than their tile. Samples before have none.
ALTER TABLE quality_samples
    ADD COLUMN up_height bigint,
    ADD COLUMN down_height bigint,
    ADD COLUMN pictures bigint,
    ADD COLUMN reduced_pictures bigint;
