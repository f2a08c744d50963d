import type { SettingName } from "./config.ts";

/** How this process reaches GitHub. */
export const outboundSettings = [
  "HTTPS_PROXY",
  "NO_PROXY",
  "OCTOBATCH_GITHUB_CERTIFICATES",
] as const satisfies readonly SettingName[];
