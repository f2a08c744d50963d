-- What the steps of transforms that run have printed so far, redacted. The rows of an attempt go when it ends; what a
-- crash leaves, the tick sweeps.
CREATE TABLE live_logs (
  execution_id text NOT NULL REFERENCES executions (id),
  attempt integer NOT NULL,
  step integer NOT NULL CHECK (step >= 0),
  start_byte bigint NOT NULL CHECK (start_byte >= 0), -- where the bytes begin in the step's log
  bytes bytea NOT NULL,
  ended jsonb, -- how the step ended, when its log ends here
  cut boolean NOT NULL, -- what came after was too much to be kept
  PRIMARY KEY (execution_id, attempt, step, start_byte)
);
