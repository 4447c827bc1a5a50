DROP INDEX CONCURRENTLY IF EXISTS recordings_newest_of_tenant;
