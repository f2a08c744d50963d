-- What the migrations add up to. Printed from a migrated database, not edited by hand:
--   node cli/bin/bootstrap.mjs shared/src/adapters/postgres/print-schema.ts
SET check_function_bodies = off;

-- Functions

CREATE OR REPLACE FUNCTION public.audit_log_check_chain()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  newest record;
BEGIN
  SELECT seq, hash INTO newest FROM audit_log ORDER BY seq DESC LIMIT 1;
  IF NEW.seq <> coalesce(newest.seq, 0) + 1 OR NEW.previous_hash <> coalesce(newest.hash, repeat('0', 64)) THEN
    RAISE EXCEPTION 'audit entry % does not follow entry %', NEW.seq, coalesce(newest.seq, 0)
      USING ERRCODE = 'serialization_failure';
  END IF;
  RETURN NEW;
END
$function$
;

CREATE OR REPLACE FUNCTION public.audit_log_refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$function$
;

CREATE OR REPLACE FUNCTION public.claim_due_tasks(limits jsonb, always_released text[], claimed_at timestamp with time zone, claimed_until timestamp with time zone)
 RETURNS TABLE(id uuid, type text, campaign text, organization text, subject text, data jsonb, state text, not_before timestamp with time zone, attempts integer, failures integer, because text)
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
BEGIN
  -- Counting what is in flight and adding to it must not interleave with another claim. It is held until the commit.
  PERFORM pg_advisory_xact_lock(hashtextextended('tasks.claim', 0));
  RETURN QUERY
  WITH RECURSIVE queues AS (
    (SELECT type, organization, coalesce(campaign, '') AS campaign FROM tasks WHERE state = 'due'
     ORDER BY type, organization, coalesce(campaign, '') LIMIT 1)
    UNION ALL
    SELECT following.* FROM queues CROSS JOIN LATERAL (
      SELECT type, organization, coalesce(campaign, '') FROM tasks
      WHERE state = 'due'
        AND (type, organization, coalesce(campaign, '')) > (queues.type, queues.organization, queues.campaign)
      ORDER BY type, organization, coalesce(campaign, '') LIMIT 1) following
  ), flying AS (
    SELECT type, organization, count(*) AS count FROM tasks
    WHERE state IN ('releasing', 'sent', 'running', 'awaiting') GROUP BY 1, 2
  ), roomy AS (
    SELECT queues.type, queues.organization, queues.campaign,
           coalesce(CAST(limits ->> queues.type AS integer), 1) - coalesce(flying.count, 0) AS places
    FROM queues
    LEFT JOIN flying ON flying.type = queues.type AND flying.organization = queues.organization
    LEFT JOIN campaigns ON campaigns.name = queues.campaign
    WHERE coalesce(campaigns.status, 'active') = 'active' OR queues.type = ANY (always_released)
  ), first AS (
    SELECT task.id, roomy.places,
           row_number() OVER (PARTITION BY roomy.type, roomy.organization ORDER BY task.not_before, task.id) AS place
    FROM roomy CROSS JOIN LATERAL (
      SELECT tasks.id, tasks.not_before FROM tasks
      WHERE state = 'due' AND tasks.type = roomy.type AND tasks.organization = roomy.organization
        AND coalesce(tasks.campaign, '') = roomy.campaign AND tasks.not_before <= claimed_at
      ORDER BY tasks.not_before, tasks.id LIMIT greatest(roomy.places, 0)) task
  )
  UPDATE tasks SET state = 'releasing', lease_until = claimed_until, updated_at = claimed_at
  WHERE id = ANY (ARRAY (SELECT first.id FROM first WHERE first.place <= first.places))
    -- Looked at again, since somebody may have begun it meanwhile. In words that no index answers to: the ids find it.
    AND CASE state WHEN 'due' THEN true ELSE false END
  RETURNING tasks.id, tasks.type, tasks.campaign, tasks.organization, tasks.subject, tasks.data, tasks.state,
            tasks.not_before, tasks.attempts, tasks.failures, tasks.because;
END $function$
;

-- Tables

CREATE TABLE artifacts (
  key text NOT NULL,
  execution_id text NOT NULL,
  kind text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  CONSTRAINT artifacts_pkey PRIMARY KEY (key),
  CONSTRAINT artifacts_kind_check CHECK ((kind = ANY (ARRAY['result'::text, 'patch'::text, 'changes'::text, 'log'::text])))
);

CREATE TABLE audit_log (
  seq bigint NOT NULL,
  at timestamp with time zone NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  campaign text,
  repository text,
  spec_version integer,
  detail jsonb NOT NULL,
  dedupe_key text NOT NULL,
  previous_hash text NOT NULL,
  hash text NOT NULL,
  CONSTRAINT audit_log_pkey PRIMARY KEY (seq),
  CONSTRAINT audit_log_dedupe_key_key UNIQUE (dedupe_key),
  CONSTRAINT audit_log_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
  CONSTRAINT audit_log_previous_hash_check CHECK ((previous_hash ~ '^[0-9a-f]{64}$'::text)),
  CONSTRAINT audit_log_seq_check CHECK ((seq > 0))
);

CREATE TABLE campaigns (
  name text NOT NULL,
  status text NOT NULL,
  current_version integer NOT NULL,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  CONSTRAINT campaigns_pkey PRIMARY KEY (name),
  CONSTRAINT campaigns_current_version_check CHECK ((current_version > 0)),
  CONSTRAINT campaigns_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'::text)),
  CONSTRAINT campaigns_status_check CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'killed'::text])))
);

CREATE TABLE changed_files (
  execution_id text NOT NULL,
  "position" integer NOT NULL,
  path text NOT NULL,
  old_path text,
  change text NOT NULL,
  mode text NOT NULL,
  old_mode text NOT NULL,
  additions integer NOT NULL,
  deletions integer NOT NULL,
  is_binary boolean NOT NULL,
  added text NOT NULL,
  removed text NOT NULL,
  truncated boolean NOT NULL,
  CONSTRAINT changed_files_pkey PRIMARY KEY (execution_id, "position"),
  CONSTRAINT changed_files_change_check CHECK ((change = ANY (ARRAY['added'::text, 'modified'::text, 'deleted'::text, 'renamed'::text, 'type-changed'::text])))
);

CREATE TABLE changesets (
  id text NOT NULL,
  campaign text NOT NULL,
  repository jsonb NOT NULL,
  repository_id bigint NOT NULL,
  base_branch text NOT NULL,
  desired jsonb NOT NULL,
  status text NOT NULL,
  state jsonb NOT NULL,
  pull_request integer GENERATED ALWAYS AS ((((state -> 'published'::text) ->> 'pullRequest'::text))::integer) STORED,
  branch text GENERATED ALWAYS AS (((state -> 'published'::text) ->> 'branch'::text)) STORED,
  checked_at timestamp with time zone,
  updated_at timestamp with time zone NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  workspace text DEFAULT ''::text NOT NULL,
  CONSTRAINT changesets_pkey PRIMARY KEY (id),
  CONSTRAINT changesets_one_a_workspace UNIQUE (campaign, repository_id, workspace),
  CONSTRAINT changesets_check CHECK (((state ->> 'status'::text) = status)),
  CONSTRAINT changesets_status_check CHECK ((status = ANY (ARRAY['unpublished'::text, 'ready'::text, 'publishing'::text, 'open'::text, 'closing'::text, 'needs-human'::text, 'merged'::text, 'closed'::text, 'failed'::text, 'withdrawn'::text])))
);

CREATE TABLE dead_letters (
  event_id text NOT NULL,
  source text NOT NULL,
  type text NOT NULL,
  event jsonb NOT NULL,
  error_code text,
  error_data text,
  destination text,
  received_at timestamp with time zone NOT NULL,
  CONSTRAINT dead_letters_pkey PRIMARY KEY (source, event_id)
);

CREATE TABLE executions (
  id text NOT NULL,
  campaign text NOT NULL,
  spec_version integer NOT NULL,
  repository jsonb NOT NULL,
  branch text NOT NULL,
  base_commit text NOT NULL,
  attempt integer DEFAULT 1 NOT NULL,
  status text NOT NULL,
  state jsonb NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  workspace text DEFAULT ''::text NOT NULL,
  only_fetch_workspace boolean DEFAULT false NOT NULL,
  CONSTRAINT executions_pkey PRIMARY KEY (id),
  CONSTRAINT executions_attempt_check CHECK ((attempt > 0)),
  CONSTRAINT executions_base_commit_check CHECK ((base_commit ~ '^[0-9a-f]{40}$'::text)),
  CONSTRAINT executions_check CHECK (((state ->> 'status'::text) = status)),
  CONSTRAINT executions_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'no-change'::text, 'patch'::text, 'failed'::text, 'cancelled'::text, 'expired'::text])))
);

CREATE TABLE installation_tokens (
  key text NOT NULL,
  sealed text NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT installation_tokens_pkey PRIMARY KEY (key),
  CONSTRAINT installation_tokens_key_check CHECK ((key ~ '^[0-9a-f]{64}$'::text))
);

CREATE TABLE installations (
  id bigint NOT NULL,
  account text NOT NULL,
  suspended boolean NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  removed_at timestamp with time zone,
  CONSTRAINT installations_pkey PRIMARY KEY (id)
);

CREATE TABLE live_logs (
  execution_id text NOT NULL,
  attempt integer NOT NULL,
  step integer NOT NULL,
  start_byte bigint NOT NULL,
  bytes bytea NOT NULL,
  ended jsonb,
  cut boolean NOT NULL,
  CONSTRAINT live_logs_pkey PRIMARY KEY (execution_id, attempt, step, start_byte),
  CONSTRAINT live_logs_start_byte_check CHECK ((start_byte >= 0)),
  CONSTRAINT live_logs_step_check CHECK ((step >= 0))
);

CREATE TABLE pacing (
  installation text NOT NULL,
  state json NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  CONSTRAINT pacing_pkey PRIMARY KEY (installation)
);

CREATE TABLE publish_slots (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  changeset_id text NOT NULL,
  organization text NOT NULL,
  campaign text NOT NULL,
  day date NOT NULL,
  reserved_at timestamp with time zone NOT NULL,
  used boolean DEFAULT false NOT NULL,
  CONSTRAINT publish_slots_pkey PRIMARY KEY (id)
);

CREATE TABLE repo_targets (
  campaign text NOT NULL,
  run integer NOT NULL,
  key text NOT NULL,
  repository jsonb,
  full_name text NOT NULL,
  branch text,
  base_commit text,
  selected boolean NOT NULL,
  because text NOT NULL,
  execution_id text,
  workspace text DEFAULT ''::text NOT NULL,
  workspace_lookup text,
  CONSTRAINT repo_targets_pkey PRIMARY KEY (campaign, run, key),
  CONSTRAINT repo_targets_has_work CHECK (((NOT selected) OR (execution_id IS NOT NULL) OR (workspace_lookup IS NOT NULL))),
  CONSTRAINT repo_targets_workspace_lookup_check CHECK ((workspace_lookup = ANY (ARRAY['pending'::text, 'failed'::text, 'cancelled'::text])))
);

CREATE TABLE rounds (
  name text NOT NULL,
  next_at timestamp with time zone NOT NULL,
  place text,
  CONSTRAINT rounds_pkey PRIMARY KEY (name)
);

CREATE TABLE runs (
  campaign text NOT NULL,
  number integer NOT NULL,
  spec_version integer NOT NULL,
  requested_by text NOT NULL,
  requested_at timestamp with time zone NOT NULL,
  selected_at timestamp with time zone,
  failure text,
  CONSTRAINT runs_pkey PRIMARY KEY (campaign, number),
  CONSTRAINT runs_number_check CHECK ((number > 0))
);

CREATE TABLE spec_versions (
  campaign text NOT NULL,
  number integer NOT NULL,
  raw text NOT NULL,
  normalized text NOT NULL,
  spec_hash text NOT NULL,
  steps_hash text NOT NULL,
  applied_by text NOT NULL,
  applied_at timestamp with time zone NOT NULL,
  CONSTRAINT spec_versions_pkey PRIMARY KEY (campaign, number),
  CONSTRAINT spec_versions_number_check CHECK ((number > 0)),
  CONSTRAINT spec_versions_spec_hash_check CHECK ((spec_hash ~ '^[0-9a-f]{64}$'::text)),
  CONSTRAINT spec_versions_steps_hash_check CHECK ((steps_hash ~ '^[0-9a-f]{64}$'::text))
);

CREATE TABLE tasks (
  id uuid NOT NULL,
  type text NOT NULL,
  dedupe_key text NOT NULL,
  campaign text,
  organization text NOT NULL,
  subject text NOT NULL,
  data jsonb NOT NULL,
  state text DEFAULT 'due'::text NOT NULL,
  not_before timestamp with time zone NOT NULL,
  lease_until timestamp with time zone,
  attempts integer DEFAULT 0 NOT NULL,
  failures integer DEFAULT 0 NOT NULL,
  because text,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  CONSTRAINT tasks_pkey PRIMARY KEY (id),
  CONSTRAINT tasks_dedupe_key_key UNIQUE (dedupe_key),
  CONSTRAINT tasks_check CHECK (((lease_until IS NOT NULL) = (state = ANY (ARRAY['releasing'::text, 'sent'::text, 'running'::text, 'awaiting'::text])))),
  CONSTRAINT tasks_dedupe_key_check CHECK ((dedupe_key ~ '^[0-9a-f]{64}$'::text)),
  CONSTRAINT tasks_state_check CHECK ((state = ANY (ARRAY['due'::text, 'releasing'::text, 'sent'::text, 'running'::text, 'awaiting'::text, 'done'::text, 'dead'::text, 'cancelled'::text])))
);

CREATE TABLE webhook_deliveries (
  id text NOT NULL,
  event text NOT NULL,
  action text,
  repository_id bigint,
  received_at timestamp with time zone NOT NULL,
  outcome text NOT NULL,
  CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id)
);

-- Foreign keys

ALTER TABLE artifacts ADD CONSTRAINT artifacts_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES executions(id);

ALTER TABLE changed_files ADD CONSTRAINT changed_files_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES executions(id);

ALTER TABLE changesets ADD CONSTRAINT changesets_campaign_fkey FOREIGN KEY (campaign) REFERENCES campaigns(name);

ALTER TABLE executions ADD CONSTRAINT executions_campaign_fkey FOREIGN KEY (campaign) REFERENCES campaigns(name);

ALTER TABLE live_logs ADD CONSTRAINT live_logs_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES executions(id);

ALTER TABLE publish_slots ADD CONSTRAINT publish_slots_campaign_fkey FOREIGN KEY (campaign) REFERENCES campaigns(name);

ALTER TABLE publish_slots ADD CONSTRAINT publish_slots_changeset_id_fkey FOREIGN KEY (changeset_id) REFERENCES changesets(id);

ALTER TABLE repo_targets ADD CONSTRAINT repo_targets_campaign_run_fkey FOREIGN KEY (campaign, run) REFERENCES runs(campaign, number);

ALTER TABLE repo_targets ADD CONSTRAINT repo_targets_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES executions(id);

ALTER TABLE runs ADD CONSTRAINT runs_campaign_spec_version_fkey FOREIGN KEY (campaign, spec_version) REFERENCES spec_versions(campaign, number);

ALTER TABLE spec_versions ADD CONSTRAINT spec_versions_campaign_fkey FOREIGN KEY (campaign) REFERENCES campaigns(name);

ALTER TABLE tasks ADD CONSTRAINT tasks_campaign_fkey FOREIGN KEY (campaign) REFERENCES campaigns(name);

-- Indexes

CREATE INDEX artifacts_by_execution ON public.artifacts USING btree (execution_id);

CREATE INDEX audit_log_by_campaign ON public.audit_log USING btree (campaign, seq);

CREATE INDEX audit_log_content_by_at ON public.audit_log USING btree (at) WHERE (action = ANY (ARRAY['pull-request.opened'::text, 'reviewers.added'::text]));

CREATE INDEX changesets_by_campaign ON public.changesets USING btree (campaign, status);

CREATE INDEX changesets_by_checked_at ON public.changesets USING btree (checked_at) WHERE ((pull_request IS NOT NULL) AND (status <> 'merged'::text));

CREATE INDEX changesets_by_pull_request ON public.changesets USING btree (repository_id, pull_request);

CREATE INDEX executions_by_campaign ON public.executions USING btree (campaign, status);

CREATE INDEX executions_by_last_use ON public.executions USING btree (updated_at) WHERE (status = ANY (ARRAY['no-change'::text, 'patch'::text]));

CREATE INDEX installation_tokens_by_expiry ON public.installation_tokens USING btree (expires_at);

CREATE UNIQUE INDEX installations_by_account ON public.installations USING btree (lower(account)) WHERE (removed_at IS NULL);

CREATE INDEX publish_slots_by_campaign ON public.publish_slots USING btree (campaign, day);

CREATE INDEX publish_slots_by_organization ON public.publish_slots USING btree (organization, day);

CREATE UNIQUE INDEX publish_slots_one_unused ON public.publish_slots USING btree (changeset_id) WHERE (NOT used);

CREATE INDEX repo_targets_by_execution ON public.repo_targets USING btree (execution_id);

CREATE INDEX repo_targets_by_lookup ON public.repo_targets USING btree (campaign) WHERE (workspace_lookup = 'pending'::text);

CREATE INDEX repo_targets_by_name ON public.repo_targets USING btree (campaign, run, full_name);

CREATE INDEX repo_targets_in_order ON public.repo_targets USING btree (campaign, run, full_name COLLATE "C", key COLLATE "C");

CREATE INDEX tasks_by_campaign ON public.tasks USING btree (campaign, state);

CREATE INDEX tasks_by_subject ON public.tasks USING btree (subject) WHERE (because IS NOT NULL);

CREATE INDEX tasks_due_by_campaign ON public.tasks USING btree (type, organization, COALESCE(campaign, ''::text), not_before, id) WHERE (state = 'due'::text);

CREATE INDEX tasks_in_flight ON public.tasks USING btree (type, organization, lease_until) WHERE (state = ANY (ARRAY['releasing'::text, 'sent'::text, 'running'::text, 'awaiting'::text]));

CREATE INDEX tasks_unfinished ON public.tasks USING btree (subject, type) WHERE (state <> ALL (ARRAY['done'::text, 'dead'::text, 'cancelled'::text]));

CREATE INDEX webhook_deliveries_by_received_at ON public.webhook_deliveries USING btree (received_at);

-- Triggers

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_refuse_change();

CREATE TRIGGER audit_log_chain BEFORE INSERT ON public.audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_check_chain();

CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse_change();
