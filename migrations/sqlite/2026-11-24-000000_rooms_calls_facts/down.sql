DROP TABLE secrets;
DROP TABLE api_keys;
DROP TABLE journal_head;
DROP TABLE facts;
DROP TABLE participants;
DROP TABLE call_users;
DROP TABLE calls;
DROP TABLE rooms;
