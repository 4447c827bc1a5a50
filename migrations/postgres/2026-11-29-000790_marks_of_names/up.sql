-- Names beside replies are marked by a secret of the server from here on: replies that cannot be found by it go. What was
-- cut off stays, so that it is not done again: it has no reply that could name anybody, but its row has the line of its
-- request, whose path may; erasure does not find that, and it goes within 24 h.
DELETE FROM idempotency WHERE status IS NOT NULL;
UPDATE idempotency SET names = '[]';
