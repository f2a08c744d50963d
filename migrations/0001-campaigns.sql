-- A campaign and every version of its spec. The name is the identity: it is part of branch names and artifact keys.
CREATE TABLE campaigns (
  name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  status text NOT NULL CHECK (status IN ('active', 'paused', 'killed')),
  current_version integer NOT NULL CHECK (current_version > 0),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version integer NOT NULL DEFAULT 1 -- grows with every write; a writer that read an older one has lost the race
);

CREATE TABLE spec_versions (
  campaign text NOT NULL REFERENCES campaigns (name),
  number integer NOT NULL CHECK (number > 0),
  raw text NOT NULL, -- as the person wrote it
  normalized text NOT NULL, -- RFC 8785, with all defaults filled in
  spec_hash text NOT NULL CHECK (spec_hash ~ '^[0-9a-f]{64}$'),
  steps_hash text NOT NULL CHECK (steps_hash ~ '^[0-9a-f]{64}$'),
  applied_by text NOT NULL,
  applied_at timestamptz NOT NULL,
  PRIMARY KEY (campaign, number)
);
