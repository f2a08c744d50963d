-- A repository may be divided: an execution, a target and a changeset are about one of its directories. The root is ''.
ALTER TABLE executions
  ADD COLUMN workspace text NOT NULL DEFAULT '',
  ADD COLUMN only_fetch_workspace boolean NOT NULL DEFAULT false; -- steps find that directory alone

-- While the workspaces of a selected repository are being found, one target stands for all of them. Its key is the
-- repository's id, and becomes that of the first workspace; those of the others have the path after it.
ALTER TABLE repo_targets
  ADD COLUMN workspace text NOT NULL DEFAULT '',
  ADD COLUMN workspace_lookup text CHECK (workspace_lookup IN ('pending', 'failed', 'cancelled')),
  DROP CONSTRAINT repo_targets_check,
  ADD CONSTRAINT repo_targets_has_work CHECK (NOT selected OR execution_id IS NOT NULL OR workspace_lookup IS NOT NULL);
CREATE INDEX repo_targets_by_lookup ON repo_targets (campaign) WHERE workspace_lookup = 'pending';

ALTER TABLE changesets
  ADD COLUMN workspace text NOT NULL DEFAULT '',
  ADD CONSTRAINT changesets_one_a_workspace UNIQUE (campaign, repository_id, workspace),
  DROP CONSTRAINT changesets_campaign_repository_id_key;

-- What nothing selects any more has its pull request closed.
ALTER TABLE changesets
  DROP CONSTRAINT changesets_status_check,
  ADD CONSTRAINT changesets_status_check CHECK (
    status IN ('unpublished', 'ready', 'publishing', 'open', 'closing', 'needs-human', 'merged', 'closed', 'failed', 'withdrawn')
  );
