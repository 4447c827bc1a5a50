DROP INDEX CONCURRENTLY IF EXISTS rooms_newest_of_tenant;
