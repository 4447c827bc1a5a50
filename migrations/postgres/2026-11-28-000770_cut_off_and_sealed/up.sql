-- A request that was cut off is never taken for one that was not begun. Replies are sealed from here on, with hashes of the
-- ids in them beside; those that lie there in the clear go.
DELETE FROM idempotency;
ALTER TABLE idempotency ADD COLUMN cut_off boolean NOT NULL DEFAULT FALSE;
ALTER TABLE idempotency ADD COLUMN names json NOT NULL DEFAULT '[]';
-- The name of the first of the keys that took each other's place; its own where there is none.
ALTER TABLE api_keys ADD COLUMN lineage text;
-- The name of the key, or of the subject of another issuer, that made an endpoint, or gave it its URL or enabled it last.
ALTER TABLE webhooks ADD COLUMN made_by text;
