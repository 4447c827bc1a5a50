DROP INDEX calls_newest_of_tenant;
