-- How far a room's media is encrypted, decided when it is made: transport, e2ee.
ALTER TABLE rooms ADD COLUMN encryption text NOT NULL DEFAULT 'transport';
