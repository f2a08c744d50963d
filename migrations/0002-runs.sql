-- A run selects the repositories of one spec version; each selected one points at the execution that transforms it.
CREATE TABLE runs (
  campaign text NOT NULL,
  number integer NOT NULL CHECK (number > 0),
  spec_version integer NOT NULL,
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,
  selected_at timestamptz, -- when the last page of the selection was written
  failure text, -- why the selection was given up
  PRIMARY KEY (campaign, number),
  FOREIGN KEY (campaign, spec_version) REFERENCES spec_versions (campaign, number)
);

-- One spec version's steps × one repository × one base commit. The id is a hash of just that, so that the same work is
-- found again instead of done again.
CREATE TABLE executions (
  id text PRIMARY KEY,
  campaign text NOT NULL REFERENCES campaigns (name),
  spec_version integer NOT NULL, -- the version that asked first
  repository jsonb NOT NULL,
  branch text NOT NULL,
  base_commit text NOT NULL CHECK (base_commit ~ '^[0-9a-f]{40}$'),
  attempt integer NOT NULL DEFAULT 1 CHECK (attempt > 0),
  status text NOT NULL CHECK (status IN ('pending', 'running', 'no-change', 'patch', 'failed', 'cancelled')),
  state jsonb NOT NULL, -- what belongs to the status, and the status again
  updated_at timestamptz NOT NULL,
  version integer NOT NULL DEFAULT 1,
  CHECK (state ->> 'status' = status)
);
CREATE INDEX executions_by_campaign ON executions (campaign, status);

CREATE TABLE repo_targets (
  campaign text NOT NULL,
  run integer NOT NULL,
  key text NOT NULL, -- the repository's id, or name:OWNER/NAME of one that could not be seen
  repository jsonb, -- absent when it could not be seen
  full_name text NOT NULL,
  branch text,
  base_commit text,
  selected boolean NOT NULL,
  because text NOT NULL,
  execution_id text REFERENCES executions (id),
  PRIMARY KEY (campaign, run, key),
  FOREIGN KEY (campaign, run) REFERENCES runs (campaign, number),
  CHECK (NOT selected OR execution_id IS NOT NULL)
);
CREATE INDEX repo_targets_by_execution ON repo_targets (execution_id);
CREATE INDEX repo_targets_by_name ON repo_targets (campaign, run, full_name);

-- What an execution left in the blob store, so that it can be listed and expired.
CREATE TABLE artifacts (
  key text PRIMARY KEY,
  execution_id text NOT NULL REFERENCES executions (id),
  kind text NOT NULL CHECK (kind IN ('result', 'patch', 'changes', 'log')),
  created_at timestamptz NOT NULL
);
CREATE INDEX artifacts_by_execution ON artifacts (execution_id);
