-- Tokens of installations, sealed, until they expire: what reads them is the tokens function alone, which has the key.
CREATE TABLE installation_tokens (
  key text PRIMARY KEY CHECK (key ~ '^[0-9a-f]{64}$'), -- of the installation, the repositories and the permissions
  sealed text NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX installation_tokens_by_expiry ON installation_tokens (expires_at);
