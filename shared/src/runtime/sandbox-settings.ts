import { readSettings, type SettingName } from "./config.ts";

type Environment = Parameters<typeof readSettings>[0];

/** Whether transforms run as Jobs of a cluster, and not as processes of this machine. */
export function isOnKubernetes(environment: Environment): boolean {
  return readSettings(environment, ["OCTOBATCH_SANDBOX"]).OCTOBATCH_SANDBOX === "kubernetes";
}

const onKubernetes: readonly SettingName[] = [
  "OCTOBATCH_SANDBOX",
  "OCTOBATCH_JOBS_NAMESPACE",
  "OCTOBATCH_JOBS_IMAGE",
  "OCTOBATCH_JOBS_POD",
  "OCTOBATCH_JOBS_NETWORKS",
  "OCTOBATCH_ARTIFACTS_URL",
  "OCTOBATCH_KUBECONFIG",
  "OCTOBATCH_JOB_TOKEN_KEY",
  "OCTOBATCH_STEP_CACHE",
];

const onThisMachine: readonly SettingName[] = [
  "OCTOBATCH_SANDBOX",
  "OCTOBATCH_WORK_DIRECTORY",
  "OCTOBATCH_TOOL_DIRECTORIES",
  "OCTOBATCH_READ_ONLY_DIRECTORIES",
  "OCTOBATCH_ISOLATION",
  "OCTOBATCH_SECRETS",
  "OCTOBATCH_EXECUTIONS_AT_ONCE",
  "OCTOBATCH_SOURCE_CACHE_MB",
  "OCTOBATCH_STEP_CACHE",
];

/** What the sandbox needs to be told, wherever it is. */
export function sandboxSettings(environment: Environment): readonly SettingName[] {
  return isOnKubernetes(environment) ? onKubernetes : onThisMachine;
}
