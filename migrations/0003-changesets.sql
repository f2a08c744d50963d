-- What a campaign wants of one repository, and the pull request that came of it.
CREATE TABLE changesets (
  id text PRIMARY KEY,
  campaign text NOT NULL REFERENCES campaigns (name),
  repository jsonb NOT NULL,
  repository_id bigint NOT NULL,
  base_branch text NOT NULL,
  desired jsonb NOT NULL, -- run, spec version and execution whose patch is wanted
  status text NOT NULL
    CHECK (status IN ('unpublished', 'ready', 'publishing', 'open', 'needs-human', 'merged', 'closed', 'failed', 'withdrawn')),
  state jsonb NOT NULL,
  pull_request integer GENERATED ALWAYS AS ((state -> 'published' ->> 'pullRequest')::integer) STORED,
  branch text GENERATED ALWAYS AS (state -> 'published' ->> 'branch') STORED,
  checked_at timestamptz, -- when it was last compared with the code host
  updated_at timestamptz NOT NULL,
  version integer NOT NULL DEFAULT 1,
  UNIQUE (campaign, repository_id),
  CHECK (state ->> 'status' = status)
);
CREATE INDEX changesets_by_campaign ON changesets (campaign, status);
CREATE INDEX changesets_by_pull_request ON changesets (repository_id, pull_request);
CREATE INDEX changesets_by_checked_at ON changesets (checked_at) WHERE pull_request IS NOT NULL AND status <> 'merged';

-- One slot of an organization's day for each pull request that is opened. Reserved in the transaction that decides to
-- publish, so that the cap holds whatever crashes afterwards.
CREATE TABLE publish_slots (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  changeset_id text NOT NULL REFERENCES changesets (id),
  organization text NOT NULL,
  campaign text NOT NULL REFERENCES campaigns (name),
  day date NOT NULL, -- UTC
  reserved_at timestamptz NOT NULL,
  used boolean NOT NULL DEFAULT false -- a pull request was opened with it; it stays taken whatever comes later
);
CREATE UNIQUE INDEX publish_slots_one_unused ON publish_slots (changeset_id) WHERE NOT used;
CREATE INDEX publish_slots_by_organization ON publish_slots (organization, day);
CREATE INDEX publish_slots_by_campaign ON publish_slots (campaign, day);
