-- The few of a tenant's recordings of a mode, found as those of a status are.
CREATE INDEX CONCURRENTLY recordings_by_mode ON recordings (org_id, mode, requested_at DESC, id DESC);
