DELETE FROM idempotency;
ALTER TABLE webhooks DROP COLUMN made_by;
ALTER TABLE api_keys DROP COLUMN lineage;
ALTER TABLE idempotency DROP COLUMN names;
ALTER TABLE idempotency DROP COLUMN cut_off;
