-- What the tick does from time to time, and when it is due again. Who moves `next_at` on does it.
CREATE TABLE rounds (
  name text PRIMARY KEY,
  next_at timestamptz NOT NULL
);

-- An installation that is gone stays as a row, so that a list that was read before does not bring it back.
ALTER TABLE installations ADD COLUMN removed_at timestamptz;
DROP INDEX installations_by_account;
CREATE UNIQUE INDEX installations_by_account ON installations (lower(account)) WHERE removed_at IS NULL;
