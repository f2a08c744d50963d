import type { SettingName } from "./config.ts";

/** What decides how requests to GitHub are paced, and where that is kept. */
export const pacingSettings = [
  "REDIS_URL",
  "OCTOBATCH_GITHUB_LIMITS",
  "OCTOBATCH_GITHUB_REQUESTS_AT_ONCE",
  "OCTOBATCH_GITHUB_CONTENT_PER_MINUTE",
  "OCTOBATCH_GITHUB_CONTENT_PER_HOUR",
] as const satisfies readonly SettingName[];
