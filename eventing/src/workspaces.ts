import { z } from "zod";
import { defineEvent } from "./event-type.ts";

/** The workspaces of a repository that a run has selected are to be found. */
export const workspacesRequested = defineEvent(
  "workspaces.requested",
  1,
  {
    campaign: z.string(),
    run: z.int().positive(),
    /** The key of the repository's target in the run. */
    key: z.string(),
  },
  ({ campaign, run, key }) => `${campaign}/${run}/${key}`,
);
