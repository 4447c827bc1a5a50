ALTER TABLE api_keys DROP COLUMN rotated_to;
ALTER TABLE api_keys DROP COLUMN expires_at;
ALTER TABLE api_keys DROP COLUMN scopes;
