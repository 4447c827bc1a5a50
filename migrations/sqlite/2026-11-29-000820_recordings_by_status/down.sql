DROP INDEX recordings_by_status;
