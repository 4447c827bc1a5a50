DROP TABLE quality_samples;
