DROP INDEX rooms_newest_of_tenant;
