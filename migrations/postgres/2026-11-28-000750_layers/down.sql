ALTER TABLE quality_samples
    DROP COLUMN reduced_pictures,
    DROP COLUMN pictures,
    DROP COLUMN down_height,
    DROP COLUMN up_height;
