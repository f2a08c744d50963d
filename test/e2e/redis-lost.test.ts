import { afterEach, expect, test } from "vitest";
import { createFilesystemBlobStore } from "#shared/adapters/filesystem/filesystem-blob-store.ts";
import { redisMissing, startRedis, type TestRedis } from "#shared/testing/redis-server.ts";
import { documentedLimits } from "../github/limits/github-limits.ts";
import { createVirtualClock, type VirtualClock } from "../github/virtual-clock.ts";
import { passTime } from "./pass-time.ts";
import { createScriptedSandbox, scriptedFiles } from "./scripted-sandbox.ts";
import { startWorld, type World } from "./world.ts";

const spec = `
version: 1
name: capped
on: [{ org: acme }]
steps: [{ run: "capped", image: "debian:12" }]
pullRequest: { title: Cap, body: Cap }
`;

const cap = 10;
const contentAMinute = 6;
const opening = "POST /repos/{owner}/{repo}/pulls";

let world: World | undefined;
let redis: TestRedis | undefined;
afterEach(async () => {
  await world?.close();
  await redis?.stop();
});

/** The product, paced by Redis, before 25 changesets that are ready. */
async function startReady(redisUrl: string, clock: VirtualClock): Promise<World> {
  const started = await startWorld({
    clock,
    pullRequestsPerDay: cap,
    limits: { ...documentedLimits, contentAMinute },
    environment: {
      REDIS_URL: redisUrl,
      OCTOBATCH_GITHUB_CONTENT_PER_MINUTE: String(contentAMinute),
    },
    overrides({ environment, stores }) {
      const blobs = createFilesystemBlobStore({ directory: environment["OCTOBATCH_BLOB_DIRECTORY"] ?? "" });
      return { blobs, sandbox: createScriptedSandbox({ blobs, stores, clock }) };
    },
  });
  await started.github.addOrganization("acme");
  await started.github.addRepositories(25, { owner: "acme", files: scriptedFiles });
  await started.api.apply(spec);
  await started.api.preview("capped");
  await started.settled();
  return started;
}

test.skipIf(redisMissing() !== undefined)(
  "Redis killed while pull requests are opened, and back empty: the daily cap holds, no limit is passed, the work goes on",
  async () => {
    const clock = createVirtualClock(new Date("2026-03-02T10:00:00Z"));
    redis = await startRedis();
    world = await startReady(redis.url, clock);
    const { github, api } = world;
    const opened = (): number => github.pullRequests().length;
    const { platform } = world;
    const living = { ...world, clock, moved: () => platform.kick() };
    const live = (until: Date): Promise<void> => passTime(living, until);

    // The fifth pull request is made, and its answer is late: so this is in the middle of it.
    github.faults.add({ kind: "slow", when: "after", ms: 1_000, match: { operation: opening }, skip: 4 });
    expect(await api.publish("capped")).toMatchObject({ asked: 25 });
    await expect.poll(() => clock.nextWakeAt(), { timeout: 30_000 }).toBeDefined();
    expect(opened()).toBe(5);
    await redis.kill();
    clock.advance(1_000);

    // Nobody asks GitHub without knowing how much may be asked.
    await live(new Date("2026-03-02T10:00:15Z"));
    const asked = github.requests.length;
    expect(opened()).toBe(5);
    await live(new Date("2026-03-02T10:00:30Z"));
    expect(github.requests.length).toBe(asked);

    await redis.restart();
    await live(new Date("2026-03-02T10:02:00Z"));
    expect(opened()).toBeGreaterThan(5);
    await live(new Date("2026-03-02T23:59:59Z"));
    expect(opened()).toBe(cap);
    await live(new Date("2026-03-03T23:59:59Z"));
    expect(opened()).toBe(2 * cap);
    await live(new Date("2026-03-04T23:59:59Z"));
    expect(opened()).toBe(25);

    for (const { owner, name } of github.repositories()) {
      expect(github.pullRequests(`${owner.login}/${name}`)).toHaveLength(1);
    }
    expect(github.rateRefusals).toEqual([]);
    expect(github.peaks("acme").contentAMinute).toBe(contentAMinute);
  },
  120_000,
);
