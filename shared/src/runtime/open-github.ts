import type { GitHubOptions } from "#shared/adapters/github/connection.ts";
import {
  createOutboundAgents,
  createOutboundFetch,
  type OutboundSettings,
} from "#shared/adapters/github/outbound-fetch.ts";
import type { WayToGit } from "#shared/adapters/git/git-request.ts";
import type { Pacing } from "#shared/ports/pacing.ts";
import type { Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";
import { createGitHubMetrics } from "./github-metrics.ts";
import type { gitHubSettings } from "./github-settings.ts";

/** GitHub itself gives up after 10 s. */
const timeoutMs = 12_000;

/** While GitHub prepares a pack it says every few seconds that it does. */
const silentGitMs = 60_000;

/** The way to GitHub: through the operator's proxy, trusting their certificates, each request paced and counted. */
export function wayToGitHub({
  settings,
  clock,
  log,
  opened,
}: Pick<Foundation, "clock" | "log"> & {
  readonly settings: Pick<Settings, (typeof gitHubSettings)[number]>;
  readonly opened: { readonly pacing?: Pacing };
}): GitHubOptions {
  const fetch = createOutboundFetch(outbound(settings));
  return {
    apiUrl: settings.OCTOBATCH_GITHUB_API_URL,
    clock,
    timeoutMs,
    fetch,
    onRequest: createGitHubMetrics(),
    logger: log,
    ...(opened.pacing === undefined ? {} : { pacing: opened.pacing }),
  };
}

type WaySettings = Pick<Settings, (typeof gitHubSettings)[number]>;

/** The same way for repositories, which are streamed; nothing is paced or counted. */
export function wayToRepositories(settings: WaySettings): WayToGit {
  return { agents: createOutboundAgents(outbound(settings)), silentMs: silentGitMs };
}

function outbound({ HTTPS_PROXY, NO_PROXY, OCTOBATCH_GITHUB_CERTIFICATES }: WaySettings): OutboundSettings {
  return { httpsProxy: HTTPS_PROXY, noProxy: NO_PROXY, extraCertificates: OCTOBATCH_GITHUB_CERTIFICATES };
}
