import { repositoriesBody, type standing } from "#shared/api/schemas.ts";
import type { z } from "zod";
import type { Dev } from "#cli/dev/start-dev.ts";
import { organization } from "../github/fill.ts";
import type { LocalGitHub } from "../github/local-github.ts";
import type { ExpectedOutcome } from "./expected.ts";

export interface DemoSummary {
  readonly campaigns: number;
  readonly repositories: number;
  readonly previewed: number;
  readonly patches: number;
  readonly noChange: number;
  readonly failed: number;
  readonly pullRequests: number;
  readonly merged: number;
  readonly seconds: number;
}

type Standing = z.infer<typeof standing>;

/** How the product's words for where a repository stands map to what was expected of it. */
const groups = {
  patch: ["unpublished", "ready", "publishing", "open", "needs-human", "merged", "closed"],
  noChange: ["no-change"],
  failed: ["execution-failed"],
  excluded: ["excluded"],
} as const satisfies Record<keyof Omit<ExpectedOutcome, "campaign">, readonly Standing[]>;

/** Compares what the campaigns came to with what was worked out by other means. */
export async function checkDemo(demo: {
  readonly dev: Dev;
  readonly github: LocalGitHub;
  readonly expected: readonly ExpectedOutcome[];
  readonly merged: number;
  readonly secret: string;
}): Promise<{ readonly summary: Omit<DemoSummary, "seconds">; readonly differences: readonly string[] }> {
  const { dev, github, expected } = demo;
  const differences: string[] = [];
  const counts = { patch: 0, noChange: 0, failed: 0, excluded: 0 };
  const capped = { "license-and-security": 7, "substr-to-slice": 7 } as Readonly<Record<string, number>>;
  let expectedPullRequests = 0;

  const get = async (path: string): Promise<string> => {
    const response = await fetch(`${dev.url}/api/v1${path}`, { headers: { authorization: `Bearer ${dev.token}` } });
    return response.text();
  };

  for (const outcome of expected) {
    const body = await get(`/campaigns/${outcome.campaign}/repositories?limit=1000`);
    const { repositories } = repositoriesBody.parse(JSON.parse(body));
    for (const [group, standings] of Object.entries(groups) as [keyof typeof groups, readonly Standing[]][]) {
      const found = repositories.filter(({ standing }) => standings.includes(standing));
      const names = found.map(({ fullName }) => fullName.split("/")[1] ?? "").toSorted();
      const wanted = outcome[group].toSorted();
      counts[group] += names.length;
      if (names.join() !== wanted.join()) {
        differences.push(`${outcome.campaign}: ${group} is ${names.join(", ")} instead of ${wanted.join(", ")}`);
      }
    }
    expectedPullRequests += Math.min(outcome.patch.length, capped[outcome.campaign] ?? Infinity);
  }

  const pullRequests = github.pullRequests();
  const merged = pullRequests.filter((pullRequest) => pullRequest.merged !== undefined).length;
  if (pullRequests.length !== expectedPullRequests) {
    differences.push(`there are ${pullRequests.length} pull requests instead of ${expectedPullRequests}`);
  }
  if (merged !== demo.merged) differences.push(`${merged} are merged instead of ${demo.merged}`);
  const logs = await get(`/campaigns/deliberate-failures/repositories/${organization}/nanoid/logs`);
  if (!logs.includes("Logging in with") || logs.includes(demo.secret)) {
    differences.push("the log of acme/nanoid does not show its line with the secret redacted");
  }

  return {
    differences,
    summary: {
      campaigns: expected.length,
      repositories: github.repositories().length,
      previewed: counts.patch + counts.noChange + counts.failed,
      patches: counts.patch,
      noChange: counts.noChange,
      failed: counts.failed,
      pullRequests: pullRequests.length,
      merged,
    },
  };
}
