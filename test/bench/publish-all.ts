import { join } from "node:path";
import { z } from "zod";
import { codeHostByKey } from "#shared/adapters/github/testing/code-host-by-key.ts";
import { createPostgresPacing } from "#shared/adapters/postgres/pacing.ts";
import { githubLimits } from "#shared/pacing/limits.ts";
import type { CodeHost, FileChange } from "#shared/ports/code-host.ts";
import { startGitHub, type LocalGitHub } from "../github/local-github.ts";
import type { GitHubLimits } from "../github/limits/github-limits.ts";
import type { RateRefusal } from "../github/limits/rate-limits.ts";
import { createVirtualClock, type VirtualClock } from "../github/virtual-clock.ts";
import type { Scratch } from "./scratch.ts";
import { openVirtualPlatform } from "./virtual-platform.ts";

/** What publishing a campaign came to. */
export interface Published {
  readonly pullRequests: number;
  /** Requests meant to change something, those refused included; tokens are none. */
  readonly mutatingRequests: number;
  /** Requests refused for a limit. */
  readonly refusals: readonly RateRefusal[];
  /** From when people asked for it to the last pull request. */
  readonly virtualSeconds: number;
}

export interface Publishing {
  readonly pullRequests: number;
  /** GitHub's, which ours are told, too. */
  readonly limits: GitHubLimits;
  readonly isPaced: boolean;
  /** Until all are open, unless it is given. */
  readonly forMs?: number;
  /** What GitHub's limits become once half of the pull requests are open, and nobody is told. */
  readonly lowered?: GitHubLimits;
}

const organization = "fleet";

const spec = (name: string): string => `
version: 1
name: ${name}
on: [{ org: ${organization} }]
steps: [{ run: "echo changed > CHANGED", image: "debian:12" }]
pullRequest: { title: Change, body: Change, labels: [chore] }
`;

const change: readonly FileChange[] = [
  { path: "CHANGED", kind: "write", mode: "100644", content: Buffer.from("changed\n") },
];

/** Publishes a campaign over an organization of so many repositories, in virtual time. */
export async function publishAll(
  scratch: Pick<Scratch, "directory" | "database">,
  { pullRequests, limits, isPaced, forMs, lowered }: Publishing,
): Promise<Published> {
  const name = isPaced ? "paced" : "unpaced";
  const clock = createVirtualClock();
  const github = await startGitHub({ directory: join(scratch.directory, name), clock, limits });
  let opened = 0;
  const onRequest: Parameters<typeof codeHostByKey>[0]["onRequest"] = ({ operation, outcome }) => {
    if (operation !== "POST /repos/{owner}/{repo}/pulls" || outcome !== "done") return;
    opened += 1;
    if (lowered !== undefined && opened === Math.floor(pullRequests / 2)) github.setLimits(lowered);
  };
  try {
    await github.addOrganization(organization);
    await github.addRepositories(pullRequests, { owner: organization });
    const tree = await treeOfChange(codeHostOf(github, clock), github);
    // No window remembers what that took.
    clock.advance(3_600_000);
    const { contentAMinute, contentAnHour } = limits;
    const ours = githubLimits({ contentPerMinute: contentAMinute, contentPerHour: contentAnHour });
    const platform = await openVirtualPlatform({
      databaseUrl: await scratch.database(name),
      clock,
      change,
      tree,
      settings: { OCTOBATCH_PULL_REQUESTS_PER_DAY: "1000000", OCTOBATCH_PUBLISHES_AT_ONCE: "8" },
      codeHost: ({ database, sleep }) => {
        const pacing = isPaced ? { pacing: createPostgresPacing({ database, limits: ours }) } : {};
        return codeHostOf(github, clock, { sleep, onRequest, ...pacing });
      },
    });
    try {
      await platform.call(z.unknown(), "POST", "/campaigns", { spec: spec(name) });
      await platform.call(z.unknown(), "POST", `/campaigns/${name}/previews`);
      await platform.finish();
      const before = github.requests.length;
      const startedAt = clock.now();
      await platform.call(z.unknown(), "POST", `/campaigns/${name}/publications`, {});
      await platform.finish(forMs);
      const published = github.pullRequests();
      const last = Math.max(...published.map(({ createdAt }) => createdAt.getTime()));
      return {
        pullRequests: published.length,
        mutatingRequests: github.requests.slice(before).filter(({ isWrite }) => isWrite).length,
        refusals: github.rateRefusals,
        virtualSeconds: Math.round((last - startedAt.getTime()) / 1000),
      };
    } finally {
      await platform.close();
    }
  } finally {
    await github.close();
  }
}

function codeHostOf(
  github: LocalGitHub,
  clock: VirtualClock,
  more: Partial<Parameters<typeof codeHostByKey>[0]> = {},
): CodeHost {
  const { id, privateKey } = github.app;
  return codeHostByKey({ apiUrl: github.apiUrl, appId: String(id), privateKey, clock, timeoutMs: 60_000, ...more });
}

/** All repositories of the fleet are alike, so one tells what the change makes of each. */
async function treeOfChange(codeHost: CodeHost, github: LocalGitHub): Promise<string> {
  const [first] = github.repositories();
  const name = first?.name ?? "";
  const { repositories } = await codeHost.findRepositories({ organization, repositories: [{ name }], files: [] });
  const [repository] = repositories;
  if (repository?.branch === undefined) throw new Error(`${organization}/${name} has no commit.`);
  const author = { name: "Octobatch", email: "octobatch@example.com" };
  const draft = { parent: repository.branch.commit, changes: change, message: "Change", author, at: new Date(0) };
  return (await codeHost.createCommit(repository, draft)).tree;
}
