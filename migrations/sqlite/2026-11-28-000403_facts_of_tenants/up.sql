-- What a tenant's applications are told, in order.
CREATE INDEX facts_of_tenant ON facts (org_id, position);
