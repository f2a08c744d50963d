import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentedLimits } from "#test/github/limits/github-limits.ts";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import { githubLimits } from "../../pacing/limits.ts";
import type { CodeHost, RepositoryPage } from "../../ports/code-host.ts";
import { createMemoryPacing } from "../memory/memory-pacing.ts";
import { codeHostByKey } from "./testing/code-host-by-key.ts";
import { createGitHubRequestCounters } from "./testing/request-counters.ts";

const clock = { now: () => new Date() };
const counters = createGitHubRequestCounters();
let directory: string;
let github: LocalGitHub;

/** A code host of its own: what it goes on with, it has from the cursor alone. */
const codeHost = (): CodeHost =>
  codeHostByKey({
    apiUrl: github.apiUrl,
    appId: String(github.app.id),
    privateKey: github.app.privateKey,
    clock,
    timeoutMs: 30_000,
    pacing: createMemoryPacing(githubLimits()),
    onRequest: counters.record,
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-scale-"));
  github = await startGitHub({ directory, limits: documentedLimits });
  await github.addOrganization("acme");
  // Most of them were moved to GitHub on one day, as it goes.
  await github.addRepositories(5000, {
    owner: "acme",
    traits: (index) => ({
      createdAt: new Date(index < 2500 ? Date.UTC(2024, 5, 1, 12) : Date.UTC(2015, 0, 1 + (index % 4000))),
      sizeKb: index % 1800,
      ...(index < 4200 && { topics: ["fleet"] }),
    }),
  });
});

afterAll(async () => {
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

async function allOf(
  next: (cursor: { readonly cursor?: string }) => Promise<RepositoryPage>,
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await next(cursor === undefined ? {} : { cursor });
    ids.push(...page.repositories.map(({ id }) => id));
    if (page.nextCursor === undefined) return ids;
    cursor = page.nextCursor;
  }
}

function asked(operation: RegExp): number {
  return counters
    .totals()
    .filter((total) => operation.test(total.operation))
    .reduce((sum, { requests }) => sum + requests, 0);
}

describe("an organization of 5,000 repositories at GitHub's documented limits", () => {
  test("is listed by at most sixty GraphQL requests, none of them refused", async () => {
    const before = asked(/^graphql/);
    const host = codeHost();
    const ids = await allOf((cursor) =>
      host.organizationPage({ organization: "acme", files: ["README.md"], ...cursor }),
    );
    expect([ids.length, new Set(ids).size]).toEqual([5000, 5000]);
    expect(asked(/^graphql/) - before).toBeLessThanOrEqual(60);
    expect(github.rateRefusals).toEqual([]);
  });

  test("shows 4,200 distinct repositories for a search with 4,200 hits, begun anew in another process after each page", async () => {
    const query = { organization: "acme", search: "org:acme topic:fleet", files: [] };
    const ids = await allOf((cursor) => codeHost().searchPage({ ...query, ...cursor }));
    expect([ids.length, new Set(ids).size]).toEqual([4200, 4200]);
    expect(asked(/^graphql Search/)).toBeLessThan(80);
    expect(github.rateRefusals).toEqual([]);
  });
});
