import type { SandboxLimits } from "#shared/ports/sandbox.ts";
import type { SettingName, Settings } from "./config.ts";

export const sandboxLimitSettings = [
  "OCTOBATCH_STEP_MEMORY_MB",
  "OCTOBATCH_STEP_DISK_MB",
  "OCTOBATCH_STEP_PROCESSES",
  "OCTOBATCH_LOG_LIMIT_MB",
  "OCTOBATCH_PATCH_LIMIT_MB",
] as const satisfies readonly SettingName[];

const megabyte = 1024 * 1024;

export function sandboxLimits(settings: Pick<Settings, (typeof sandboxLimitSettings)[number]>): SandboxLimits {
  return {
    memoryBytes: settings.OCTOBATCH_STEP_MEMORY_MB * megabyte,
    diskBytes: settings.OCTOBATCH_STEP_DISK_MB * megabyte,
    processes: settings.OCTOBATCH_STEP_PROCESSES,
    logBytes: settings.OCTOBATCH_LOG_LIMIT_MB * megabyte,
    patchBytes: settings.OCTOBATCH_PATCH_LIMIT_MB * megabyte,
  };
}
