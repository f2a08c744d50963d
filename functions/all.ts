import { api } from "./api/api.ts";
import { artifacts } from "./artifacts/artifacts.ts";
import { bury } from "./bury/bury.ts";
import { cancelExecution } from "./cancel-execution/cancel-execution.ts";
import { collectExecution } from "./collect-execution/collect-execution.ts";
import { executeTransform } from "./execute-transform/execute-transform.ts";
import { publishChangeset } from "./publish-changeset/publish-changeset.ts";
import { receiveWebhook } from "./receive-webhook/receive-webhook.ts";
import { reconcileChangeset } from "./reconcile-changeset/reconcile-changeset.ts";
import { resolveWorkspaces } from "./resolve-workspaces/resolve-workspaces.ts";
import { selectPage } from "./select-page/select-page.ts";
import { tick } from "./tick/tick.ts";
import { tokens } from "./tokens/tokens.ts";

/** Every function that one machine needs, for a process that runs them all. */
export const allFunctions = [
  api,
  receiveWebhook,
  selectPage,
  resolveWorkspaces,
  executeTransform,
  collectExecution,
  cancelExecution,
  publishChangeset,
  reconcileChangeset,
  tick,
  bury,
  tokens,
] as const;

/** Every function there is: a cluster has Jobs, and what they reach. */
export const clusterFunctions = [...allFunctions, artifacts] as const;
