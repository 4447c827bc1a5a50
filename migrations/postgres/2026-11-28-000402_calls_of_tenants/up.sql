-- A tenant's history, newest first.
CREATE INDEX CONCURRENTLY calls_newest_of_tenant ON calls (org_id, created_at DESC, id DESC);
