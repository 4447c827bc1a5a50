-- What a tenant's applications are told, in order.
CREATE INDEX CONCURRENTLY facts_of_tenant ON facts (org_id, position);
