-- Outbox and due-table in one: what has to happen, when, and how far it has come.
CREATE TABLE tasks (
  id uuid PRIMARY KEY,
  type text NOT NULL, -- the type of the event that carries it
  dedupe_key text NOT NULL UNIQUE CHECK (dedupe_key ~ '^[0-9a-f]{64}$'),
  campaign text REFERENCES campaigns (name),
  organization text NOT NULL, -- whose share of the back-pressure it takes
  subject text NOT NULL,
  data jsonb NOT NULL,
  state text NOT NULL DEFAULT 'due'
    CHECK (state IN ('due', 'releasing', 'sent', 'running', 'awaiting', 'done', 'dead', 'cancelled')),
  not_before timestamptz NOT NULL,
  lease_until timestamptz, -- in flight: when it counts as lost and becomes due again
  attempts integer NOT NULL DEFAULT 0, -- how often it was begun: whoever began it last may end it
  failures integer NOT NULL DEFAULT 0, -- how many attempts in a row went wrong; waiting for its turn is none
  because text, -- why it waits, or what its last attempt died of
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK ((lease_until IS NOT NULL) = (state IN ('releasing', 'sent', 'running', 'awaiting')))
);
CREATE INDEX tasks_due ON tasks (type, organization, not_before, id) WHERE state = 'due';
CREATE INDEX tasks_in_flight ON tasks (type, organization, lease_until) WHERE state IN ('releasing', 'sent', 'running', 'awaiting');
CREATE INDEX tasks_by_campaign ON tasks (campaign, state);
CREATE INDEX tasks_by_subject ON tasks (subject) WHERE because IS NOT NULL;

-- Events that the broker gave up on, as it handed them to `bury`.
CREATE TABLE dead_letters (
  event_id text NOT NULL,
  source text NOT NULL,
  type text NOT NULL,
  event jsonb NOT NULL,
  error_code text,
  error_data text,
  destination text,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (source, event_id)
);
