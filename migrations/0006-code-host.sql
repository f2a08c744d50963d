-- Where the App is installed, kept current by webhooks.
CREATE TABLE installations (
  id bigint PRIMARY KEY,
  account text NOT NULL,
  suspended boolean NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX installations_by_account ON installations (lower(account));

-- Webhook deliveries by GitHub's own id, which a redelivery keeps: one counts as known only once it was processed.
CREATE TABLE webhook_deliveries (
  id text PRIMARY KEY,
  event text NOT NULL,
  action text,
  repository_id bigint,
  received_at timestamptz NOT NULL,
  outcome text NOT NULL -- what came of it, for people
);
CREATE INDEX webhook_deliveries_by_received_at ON webhook_deliveries (received_at);
