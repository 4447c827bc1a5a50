-- A tenant's recordings of all calls, newest first.
CREATE INDEX recordings_newest_of_tenant ON recordings (org_id, requested_at DESC, id DESC);
