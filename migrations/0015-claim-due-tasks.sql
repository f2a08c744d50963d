-- Tasks are claimed, and finished by their subject, at a cost that does not grow with how many there are.

-- Whatever read this one finds the same rows in the next one. It goes first: that takes the lock on the table that lets nobody
-- else in, and whoever takes the lesser one before it can meet a transaction in which each waits for the other.
DROP INDEX tasks_due;
-- For each type and organization, campaign by campaign, what has been due the longest comes first: a campaign that is held
-- is stepped over as a whole.
CREATE INDEX tasks_due_by_campaign ON tasks (type, organization, (coalesce(campaign, '')), not_before, id) WHERE state = 'due';

-- Whoever ends what a task waits for finishes it by what it is about.
CREATE INDEX tasks_unfinished ON tasks (subject, type) WHERE state NOT IN ('done', 'dead', 'cancelled');

-- Each statement in it sees what was committed before it began: so what is counted here is counted under the lock. One plan
-- is kept, since making one costs more than following it; the settings see to it that a plan from a time when the table was
-- nearly empty reads no more than it has to later. Until Postgres 18 they count as costs so high that the plan would be
-- compiled at each claim, which takes far longer than following it.
CREATE FUNCTION claim_due_tasks(limits jsonb, always_released text[], claimed_at timestamptz, claimed_until timestamptz)
RETURNS TABLE (
  id uuid, type text, campaign text, organization text, subject text, data jsonb, state text, not_before timestamptz,
  attempts integer, failures integer, because text)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_sort = off
SET enable_incremental_sort = off
SET jit = off
AS $$
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
END $$;
