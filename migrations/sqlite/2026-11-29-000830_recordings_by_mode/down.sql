DROP INDEX recordings_by_mode;
