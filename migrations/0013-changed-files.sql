-- The files that each execution's patch changes, with the lines that it adds and removes, so that people can search a
-- campaign. Written with the execution's end, and removed with its artifacts.
CREATE TABLE changed_files (
  execution_id text NOT NULL REFERENCES executions (id),
  position integer NOT NULL, -- in the patch
  path text NOT NULL, -- a name that is not UTF-8 is written as git quotes it
  old_path text, -- where a renamed file was before
  change text NOT NULL CHECK (change IN ('added', 'modified', 'deleted', 'renamed', 'type-changed')),
  mode text NOT NULL,
  old_mode text NOT NULL,
  additions integer NOT NULL,
  deletions integer NOT NULL,
  is_binary boolean NOT NULL,
  added text NOT NULL, -- lines, with a line feed between them
  removed text NOT NULL,
  truncated boolean NOT NULL, -- some of its lines are not here
  PRIMARY KEY (execution_id, position)
);

-- The order of a page.
CREATE INDEX repo_targets_in_order ON repo_targets (campaign, run, full_name COLLATE "C", key COLLATE "C");
