-- How long a recording is that was paused when its time began to be kept: all of its runs until now.
UPDATE recordings SET recorded_ms = greatest(coalesce(round(((
    SELECT sum(CASE facts.name WHEN 'recording.paused' THEN 1 ELSE -1 END * extract(epoch FROM facts.at))
    FROM facts WHERE facts.subject = recordings.call_id AND facts.name IN ('recording.paused', 'recording.resumed')
        AND facts.body ->> 'recording_id' = recordings.id
) - extract(epoch FROM started_at)) * 1000)::bigint, 0), 0)
WHERE status = 'active' AND paused AND recorded_ms = 0 AND runs_since IS NULL AND started_at IS NOT NULL;
