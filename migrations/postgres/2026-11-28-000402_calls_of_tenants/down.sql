DROP INDEX CONCURRENTLY IF EXISTS calls_newest_of_tenant;
