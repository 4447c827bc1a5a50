-- How long a recording is that was paused when its time began to be kept: all of its runs until now.
UPDATE recordings SET recorded_ms = max(coalesce((
    SELECT sum(CASE facts.name WHEN 'recording.paused' THEN facts.at ELSE -facts.at END)
    FROM facts WHERE facts.subject = recordings.call_id AND facts.name IN ('recording.paused', 'recording.resumed')
        AND json_extract(facts.body, '$.recording_id') = recordings.id
) - started_at, 0), 0)
WHERE status = 'active' AND paused AND recorded_ms = 0 AND runs_since IS NULL AND started_at IS NOT NULL;
