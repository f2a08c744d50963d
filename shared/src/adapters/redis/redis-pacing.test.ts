import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { githubLimits, limitsOff } from "../../pacing/limits.ts";
import {
  PacingUnavailable,
  type PacedOutcome,
  type PacedRequest,
  type PacedTurn,
  type PacingAnswer,
} from "../../ports/pacing.ts";
import { pacingContract } from "../../testing/pacing.contract.ts";
import { afterMs, aPullRequest, aRequest, isGo, makeRequest, mustTake, mustWait } from "../../testing/pacing-world.ts";
import { redisMissing, startRedis, type TestRedis } from "../../testing/redis-server.ts";
import { createMemoryPacing } from "../memory/memory-pacing.ts";
import { openRedis, type RedisConnection } from "./redis-connection.ts";
import { createRedisPacing } from "./redis-pacing.ts";

const missing = redisMissing();
const minute = 60_000;

test.each(["", "localhost:6379", "http://localhost:6379"])("%j is no URL of a Redis", (url) => {
  expect(() => openRedis({ url })).toThrow("Expected redis://user:password@host:port/database");
});

describe.skipIf(missing !== undefined)(`with a redis-server ${missing ?? ""}`, () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  pacingContract("pacing in Redis", async () => {
    const connections: RedisConnection[] = [];
    return {
      client: async (limits) => {
        const redis = openRedis({ url: server.url, timeoutMs: 20_000 });
        connections.push(redis);
        return createRedisPacing({ redis, limits });
      },
      async close() {
        await connections[0]?.run((redis) => redis.flushall());
        await Promise.all(connections.map((redis) => redis.close()));
      },
    };
  });

  describe("a Redis that fails or forgets", () => {
    let redis: RedisConnection;
    beforeEach(async () => {
      redis = openRedis({ url: server.url, timeoutMs: 5000 });
      await redis.run((client) => client.flushall());
    });
    afterEach(async () => {
      await redis.close();
      await server.restart();
    });

    test("is unavailable while it is down, and used again when it is back", async () => {
      const pacing = createRedisPacing({ redis, limits: githubLimits() });
      await makeRequest(pacing, "1", aRequest(), afterMs(0));
      const turn = await mustTake(pacing, "1", aRequest(), afterMs(0));
      await server.kill();
      await expect(pacing.take("1", aRequest(), afterMs(1))).rejects.toThrow(PacingUnavailable);
      await expect(pacing.done(turn, {}, afterMs(1))).rejects.toThrow(PacingUnavailable);
      await expect(pacing.check()).rejects.toThrow(/Redis at 127\.0\.0\.1:\d+ does not answer/);
      await server.restart();
      await expect.poll(() => pacing.check().then(() => "answers", String)).toBe("answers");
      await pacing.done(turn, {}, afterMs(2));
      const { untilMs } = await mustWait(pacing, "1", aRequest(), afterMs(3));
      await mustTake(pacing, "1", aRequest(), afterMs(untilMs));
    });

    test("does not wait for longer than it was told", async () => {
      const nowhere = openRedis({ url: "redis://127.0.0.1:1", timeoutMs: 200 });
      await expect(createRedisPacing({ redis: nowhere, limits: githubLimits() }).check()).rejects.toThrow(
        PacingUnavailable,
      );
      await nowhere.close();
    });

    test("counts the content that the audit log knows when it was emptied", async () => {
      const created = Array.from({ length: 499 }, (_, index) => afterMs(7000 * index));
      const recalled: string[] = [];
      const recall = async (installation: string) => {
        recalled.push(installation);
        return { contentCreatedAt: created };
      };
      const pacing = createRedisPacing({ redis, limits: githubLimits(), recall });
      const nowMs = 7000 * 499;
      await redis.run((client) => client.flushall());
      const { untilMs } = await mustWait(pacing, "1", aPullRequest, afterMs(nowMs));
      expect(untilMs).toBeGreaterThan(60 * minute);
      expect(untilMs).toBeLessThan(61 * minute);
      await mustTake(pacing, "1", aPullRequest, afterMs(untilMs));
      expect(recalled).toEqual(["1"]);
    });

    test("counts all points as used when it was emptied under the eyes of a process at work", async () => {
      const pacing = createRedisPacing({ redis, limits: githubLimits() });
      await makeRequest(pacing, "1", aRequest(), afterMs(0));
      await redis.run((client) => client.flushall());
      const { untilMs } = await mustWait(pacing, "1", aRequest(), afterMs(1000));
      expect(untilMs).toBeGreaterThan(1000 + minute);
      expect(untilMs).toBeLessThanOrEqual(1000 + 1.02 * minute);
      await makeRequest(pacing, "1", aRequest(), afterMs(untilMs));
      await makeRequest(pacing, "2", aRequest(), afterMs(1000));
    });

    test("learns from an answer to a request of before, and still asks what the audit log knows", async () => {
      const recalled: string[] = [];
      const recall = async (installation: string) => {
        recalled.push(installation);
        return { contentCreatedAt: [] };
      };
      const pacing = createRedisPacing({ redis, limits: limitsOff(), recall });
      const turn = await mustTake(pacing, "1", aRequest(), afterMs(0));
      await redis.run((client) => client.flushall());
      await pacing.done(turn, { slowDown: { until: afterMs(9000) } }, afterMs(1));
      expect((await mustWait(pacing, "1", aRequest(), afterMs(2))).untilMs).toBe(9000);
      expect(recalled).toEqual(["1", "1"]);
    });

    test("keeps nothing for ever, and nothing too short", async () => {
      const pacing = createRedisPacing({ redis, limits: githubLimits() });
      await makeRequest(pacing, "1", aPullRequest, afterMs(0));
      const keys = await redis.run((client) => client.keys("*"));
      expect(keys).toEqual(["octobatch:pacing:1"]);
      const ttlMs = await redis.run((client) => client.pttl("octobatch:pacing:1"));
      expect(ttlMs).toBeGreaterThan(60 * minute);
      expect(ttlMs).toBeLessThan(180 * minute);
    });
  });

  test.each([1, 2, 3, 4])("the script decides as the code does, whatever happens (%d)", async (seed) => {
    const redis = openRedis({ url: server.url, timeoutMs: 20_000 });
    await redis.run((client) => client.flushall());
    const limits = githubLimits({ concurrentRequests: 12, contentPerMinute: 8, contentPerHour: 40 });
    const both = [createMemoryPacing(limits), createRedisPacing({ redis, limits })] as const;
    const random = randomFrom(seed);
    const held: (readonly [PacedTurn, PacedTurn])[] = [];
    const decided: (readonly [unknown, unknown])[] = [];
    let atMs = 0;
    let went = 0;
    for (let step = 0; step < 800; step += 1) {
      atMs += Math.floor(random() ** 6 * 200_000);
      const turns = held[Math.floor(random() * held.length)];
      if (turns !== undefined && random() < 0.5) {
        const outcome = anOutcome(random, atMs);
        await Promise.all(both.map((pacing, index) => pacing.done(turns[index === 0 ? 0 : 1], outcome, afterMs(atMs))));
        if (random() < 0.9) held.splice(held.indexOf(turns), 1);
        continue;
      }
      if (random() < 0.2) {
        const errand = { reads: 1 + Math.floor(random() * 5), writes: 4, contents: random() < 0.8 ? 1 : 0 };
        const [one, other] = await Promise.all([
          both[0].book("1", errand, afterMs(atMs)),
          both[1].book("1", errand, afterMs(atMs)),
        ]);
        decided.push([one, other]);
        continue;
      }
      const request = someRequest(random);
      const [one, other] = await Promise.all([
        both[0].take("1", request, afterMs(atMs)),
        both[1].take("1", request, afterMs(atMs)),
      ]);
      if (isGo(one) && isGo(other)) {
        went += 1;
        if (random() < 0.95) held.push([one.turn, other.turn]);
      }
      decided.push([withoutId(one), withoutId(other)]);
    }
    for (const [step, [one, other]] of decided.entries()) expect(other, `question ${step}`).toEqual(one);
    expect(went).toBeGreaterThan(50);
    await redis.close();
  });
});

/** Each has its own id for a turn. */
function withoutId(answer: PacingAnswer): unknown {
  return isGo(answer) ? answer.kind : answer;
}

function someRequest(random: () => number): PacedRequest {
  const one = <T>(...choices: readonly [T, ...T[]]): T => choices[Math.floor(random() * choices.length)] ?? choices[0];
  return {
    resource: one("core", "core", "graphql", "search", "code_search"),
    cost: one(0, 1, 1, 20),
    kind: one("read", "write"),
    createsContent: random() < 0.3,
    urgency: one("interactive", "publish", "sweep"),
  };
}

function anOutcome(random: () => number, atMs: number): PacedOutcome {
  const slow = random();
  return {
    ...(random() < 0.5 && {
      budget: {
        resource: random() < 0.7 ? ("core" as const) : ("graphql" as const),
        limit: 500,
        remaining: Math.floor(random() * 500),
        resetAt: afterMs(Math.ceil((atMs + 1) / 300_000) * 300_000 + Math.floor(random() * 3000)),
      },
    }),
    ...(slow < 0.03 && { slowDown: slow < 0.015 ? {} : { until: afterMs(atMs + 20_000) } }),
  };
}

/** The same numbers for the same seed: a linear congruential generator. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
