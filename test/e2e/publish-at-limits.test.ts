import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { publishAll, type Publishing } from "../bench/publish-all.ts";
import { limitSeconds } from "../bench/publish-bench.ts";
import { documentedLimits, type GitHubLimits } from "../github/limits/github-limits.ts";

/** The documented limits of creating content divided by ten: so a tenth of the pull requests binds them in the same way. */
const limits: GitHubLimits = { ...documentedLimits, contentAMinute: 8, contentAnHour: 50 };

let directory: string;
let databases: TestDatabase[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-limits-"));
  databases = [];
});
afterEach(async () => {
  for (const database of databases) await database.drop();
  await rm(directory, { recursive: true, force: true });
});

function publish(publishing: Omit<Publishing, "limits">) {
  const database = async (): Promise<string> => {
    const made = await testDatabase({ schema: "empty" });
    databases.push(made);
    return made.url;
  };
  return publishAll({ directory, database }, { limits, ...publishing });
}

test("150 pull requests at GitHub's limits: none is refused, and little of what the limits allow is left unused", async () => {
  const published = await publish({ pullRequests: 150, isPaced: true });
  expect(published).toMatchObject({ pullRequests: 150, refusals: [] });
  expect(published.mutatingRequests).toBeLessThanOrEqual(5 * 150);
  expect(published.virtualSeconds).toBeLessThanOrEqual(limitSeconds(150, limits) / 0.95);
});

test("without pacing GitHub refuses, so what is not refused above is not for want of limits", async () => {
  const published = await publish({ pullRequests: 30, isPaced: false });
  expect(published.pullRequests).toBe(30);
  expect(published.refusals.length).toBeGreaterThan(3);
});

test("limits that are lowered without notice refuse once, then everybody waits, and the new ones are learnt", async () => {
  const lowered = { ...limits, contentAMinute: 3 };
  const { pullRequests, refusals } = await publish({ pullRequests: 60, isPaced: true, lowered });
  expect(pullRequests).toBe(60);
  // What was under way when GitHub refused is refused with it; nothing begins before it says that it may.
  const instants = [...new Set(refusals.map(({ at }) => at.getTime()))];
  const refusedFirst = refusals.filter(({ because }) => because !== "cooldown");
  expect(refusedFirst.map(({ because }) => because)).toEqual(instants.map(() => "content a minute"));
  for (const [index, at] of instants.entries()) {
    expect(at - (instants[index - 1] ?? 0)).toBeGreaterThanOrEqual(lowered.cooldownMs);
  }
  // Thirty more at three a minute: an hour's windows come and go, and few of them have to teach it again.
  expect(instants.length).toBeGreaterThan(0);
  expect(instants.length).toBeLessThanOrEqual(3);
});
