DROP INDEX CONCURRENTLY rooms_newest_of_tenant;
