DROP INDEX CONCURRENTLY calls_newest_of_tenant;
