DROP INDEX facts_of_tenant;
