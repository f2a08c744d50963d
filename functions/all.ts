import { api } from "./api/api.ts";
import { bury } from "./bury/bury.ts";
import { cancelExecution } from "./cancel-execution/cancel-execution.ts";
import { collectExecution } from "./collect-execution/collect-execution.ts";
import { executeTransform } from "./execute-transform/execute-transform.ts";
import { publishChangeset } from "./publish-changeset/publish-changeset.ts";
import { receiveWebhook } from "./receive-webhook/receive-webhook.ts";
import { reconcileChangeset } from "./reconcile-changeset/reconcile-changeset.ts";
import { selectPage } from "./select-page/select-page.ts";
import { tick } from "./tick/tick.ts";
import { tokens } from "./tokens/tokens.ts";

/** Every function there is, for a process that runs them all. */
export const allFunctions = [
  api,
  receiveWebhook,
  selectPage,
  executeTransform,
  collectExecution,
  cancelExecution,
  publishChangeset,
  reconcileChangeset,
  tick,
  bury,
  tokens,
] as const;
