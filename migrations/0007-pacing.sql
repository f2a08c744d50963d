-- What each installation has used of GitHub's limits, where no Redis keeps it. Read and written whole, as one JSON text.
CREATE TABLE pacing (
  installation text PRIMARY KEY,
  state json NOT NULL,
  updated_at timestamptz NOT NULL
) WITH (fillfactor = 50); -- room for the next version of a row on its own page
