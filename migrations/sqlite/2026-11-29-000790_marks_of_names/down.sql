DELETE FROM idempotency WHERE status IS NOT NULL;
UPDATE idempotency SET names = '[]';
