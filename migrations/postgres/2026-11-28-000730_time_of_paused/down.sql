-- Nothing to undo: it is what the column says it is.
SELECT 1;
