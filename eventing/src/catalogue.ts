import { changesetNudged, changesetReady } from "./changeset.ts";
import { executionCancelled, executionReported, executionRequested } from "./execution.ts";
import { selectionPageRequested } from "./selection.ts";
import { ticked } from "./tick.ts";
import { workspacesRequested } from "./workspaces.ts";

/** Every event that is routed to a function. */
export const catalogue = [
  selectionPageRequested,
  workspacesRequested,
  executionRequested,
  executionReported,
  executionCancelled,
  changesetReady,
  changesetNudged,
  ticked,
] as const;
