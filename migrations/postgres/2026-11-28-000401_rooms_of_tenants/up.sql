-- The list of a tenant's rooms, newest first.
CREATE INDEX CONCURRENTLY rooms_newest_of_tenant ON rooms (org_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
