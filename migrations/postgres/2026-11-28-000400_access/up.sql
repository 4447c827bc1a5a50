-- What a key may be used for; keys from before may be used for everything. After `expires_at` it opens nothing new; what
-- was made with it goes on, unless it is revoked.
ALTER TABLE api_keys ADD COLUMN scopes json NOT NULL DEFAULT '["rooms","calls","moderate","recordings","transcripts","webhooks","keys","admin"]';
ALTER TABLE api_keys ADD COLUMN expires_at timestamptz;
-- The name of the key that took its place.
ALTER TABLE api_keys ADD COLUMN rotated_to text;
