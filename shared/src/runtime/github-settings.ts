import type { SettingName } from "./config.ts";

/** Where GitHub is, and how this process reaches it. */
export const gitHubSettings = [
  "OCTOBATCH_GITHUB_API_URL",
  "HTTPS_PROXY",
  "NO_PROXY",
  "OCTOBATCH_GITHUB_CERTIFICATES",
] as const satisfies readonly SettingName[];
