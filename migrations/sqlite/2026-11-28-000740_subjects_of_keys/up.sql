-- The subject of another issuer by whose token a key was made, or the key that it was made with: it opens nothing while that
-- subject is denied.
ALTER TABLE api_keys ADD COLUMN subject TEXT;
