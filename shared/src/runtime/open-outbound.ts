import { createOutboundFetch } from "#shared/adapters/github/outbound-fetch.ts";
import type { GitHubCodeHostOptions } from "#shared/adapters/github/code-host.ts";
import type { Settings } from "./config.ts";
import { createGitHubMetrics } from "./github-metrics.ts";
import type { outboundSettings } from "./outbound-settings.ts";

/** The way to GitHub: through the operator's proxy, trusting their certificates, each request counted. */
export function openOutbound(
  settings: Pick<Settings, (typeof outboundSettings)[number]>,
): Pick<GitHubCodeHostOptions, "fetch" | "onRequest"> {
  const { HTTPS_PROXY, NO_PROXY, OCTOBATCH_GITHUB_CERTIFICATES } = settings;
  const fetch = createOutboundFetch({
    httpsProxy: HTTPS_PROXY,
    noProxy: NO_PROXY,
    extraCertificates: OCTOBATCH_GITHUB_CERTIFICATES,
  });
  return { fetch, onRequest: createGitHubMetrics() };
}
