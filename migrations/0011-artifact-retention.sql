-- What an execution left is kept for some days after it was last needed. Once it has expired, the same work is done again.
ALTER TABLE executions
  DROP CONSTRAINT executions_status_check,
  ADD CONSTRAINT executions_status_check
    CHECK (status IN ('pending', 'running', 'no-change', 'patch', 'failed', 'cancelled', 'expired'));
CREATE INDEX executions_by_last_use ON executions (updated_at) WHERE status IN ('no-change', 'patch');

-- How far a round has come that does not end in one go.
ALTER TABLE rounds ADD COLUMN place text;
