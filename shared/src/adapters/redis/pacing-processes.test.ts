import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mostWithin } from "../../testing/pacing-world.ts";
import { redisMissing, startRedis, type TestRedis } from "../../testing/redis-server.ts";
import type { Round } from "./pacing-process.fixture.ts";

const missing = redisMissing();
const minute = 60_000;
const hour = 60 * minute;

describe.skipIf(missing !== undefined)(`eight processes with one Redis ${missing ?? ""}`, () => {
  let redis: TestRedis;
  let directory: string;
  let auditLog: string;
  let processes: ChildProcess[];
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "octobatch-pacing-"));
    auditLog = path.join(directory, "created");
    await writeFile(auditLog, "");
    redis = await startRedis();
    const program = fileURLToPath(new URL("pacing-process.fixture.ts", import.meta.url));
    processes = Array.from({ length: 8 }, () => fork(program, [redis.url, auditLog], { execArgv: [] }));
    await Promise.all(processes.map(nextRound));
  });
  afterEach(async () => {
    await Promise.all(
      processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }),
    );
    await redis.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function nextRound(child: ChildProcess): Promise<Round> {
    const listening = new AbortController();
    const { signal } = listening;
    const died = once(child, "exit", { signal }).then(() => {
      throw new Error("A process died.");
    });
    try {
      // Our own fixture sends nothing else.
      const [round] = (await Promise.race([once(child, "message", { signal }), died])) as [Round];
      return round;
    } finally {
      died.catch(() => {});
      listening.abort();
    }
  }

  /** All of them publish as fast as they may, from round to round of virtual time. */
  async function publish(toMs: number, disturb: { readonly atMs: number; readonly by: () => Promise<unknown> }) {
    let nowMs = 0;
    while (nowMs < toMs) {
      const rounds = processes.map(nextRound);
      for (const child of processes) child.send(nowMs);
      const [answers] = await Promise.all([Promise.all(rounds), nowMs === disturb.atMs && disturb.by()]);
      const nextMs = Math.min(...answers.map(({ untilMs }) => untilMs));
      nowMs = nowMs < disturb.atMs ? Math.min(nextMs, disturb.atMs) : nextMs;
    }
    return (await readFile(auditLog, "utf8")).trim().split("\n").map(Number);
  }

  test("share the budget: what they create passes no limit, and uses 98 % of it", async () => {
    const created = await publish(3 * hour, { atMs: hour, by: async () => {} });
    expect(mostWithin(created, minute)).toBeLessThanOrEqual(80);
    expect(mostWithin(created, hour)).toBe(500);
    expect(created.length).toBeGreaterThanOrEqual(0.98 * 3 * 500);
  });

  test.each([
    ["in a burst", 2 * minute],
    ["when the hour is used up", 8 * minute],
  ])("pass no limit when Redis is killed and comes back empty %s, and go on", async (_, atMs) => {
    const created = await publish(3 * hour, { atMs, by: () => redis.restart() });
    expect(mostWithin(created, minute)).toBeLessThanOrEqual(80);
    expect(mostWithin(created, hour)).toBeLessThanOrEqual(500);
    expect(created.length).toBeGreaterThanOrEqual(0.95 * 3 * 500);
  });
});
