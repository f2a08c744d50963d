import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { errandFor } from "../../pacing/book.ts";
import { answerOf, appointmentOf } from "../../pacing/explain.ts";
import { wordOf } from "../../pacing/give-back.ts";
import type { PacingLimits } from "../../pacing/limits.ts";
import { recollect, type Recall } from "../../pacing/recollection.ts";
import { askFor, type Decision } from "../../pacing/take-turn.ts";
import { PacingUnavailable, type Pacing } from "../../ports/pacing.ts";
import type { RedisConnection } from "./redis-connection.ts";

const script = readFileSync(new URL("pacing.lua", import.meta.url), "utf8");
const scriptSha = createHash("sha1").update(script).digest("hex");

const keyPrefix = "octobatch:pacing:";

export interface RedisPacingOptions {
  readonly redis: RedisConnection;
  readonly limits: PacingLimits;
  readonly recall?: Recall;
}

/**
 * The budget of all processes in one Redis. Each `take` and each `done` is one atomic script, so two of them never see
 * the same room; Redis' own clock decides nothing but how long a forgotten key is kept.
 *
 * Redis may lose everything at any time. Then the content that `recall` tells counts again, and where this process has
 * had a turn lately all points of that minute count as used.
 */
export function createRedisPacing({ redis, limits, recall }: RedisPacingOptions): Pacing {
  const lastTurns = new Map<string, Date>();

  async function run(installation: string, args: readonly string[]): Promise<readonly string[]> {
    const key = `${keyPrefix}${installation}`;
    try {
      // The script answers a list of texts, always.
      return (await redis.run((client) => evaluate(client, key, args))) as readonly string[];
    } catch (cause) {
      throw unavailable(redis.place, cause);
    }
  }

  async function installations(): Promise<readonly string[]> {
    const keys = new Set<string>();
    try {
      for (let cursor = "0"; ;) {
        const [next, page] = await redis.run((client) => client.scan(cursor, "MATCH", `${keyPrefix}*`, "COUNT", 1000));
        for (const key of page) keys.add(key.slice(keyPrefix.length));
        if (next === "0") return [...keys];
        cursor = next;
      }
    } catch (cause) {
      throw unavailable(redis.place, cause);
    }
  }

  /** Asks; where the state is not there, looks for what is known elsewhere and asks again. */
  async function decide(installation: string, command: "take" | "book", ask: object, now: Date): Promise<Decision> {
    const text = JSON.stringify(ask);
    const answer = await run(installation, [command, text, ""]);
    if (answer[0] !== "lost") return decisionFrom(answer);
    const { contentCreatedAt } = (await recall?.(installation, now)) ?? { contentCreatedAt: [] };
    const lastTurnAt = lastTurns.get(installation);
    const remembered = recollect(limits, { contentCreatedAt, ...(lastTurnAt && { lastTurnAt }) }, now);
    return decisionFrom(await run(installation, [command, text, JSON.stringify(remembered)]));
  }

  return {
    async take(installation, request, now) {
      const id = randomUUID();
      const decision = await decide(installation, "take", askFor(limits, request, id, now), now);
      if (decision.kind === "go") lastTurns.set(installation, now);
      return answerOf(decision, { id, installation }, request, limits);
    },

    async done({ id, installation }, outcome, now) {
      lastTurns.set(installation, now);
      await run(installation, ["done", JSON.stringify(wordOf(outcome, now)), id]);
    },

    async book(installation, errand, now) {
      return appointmentOf(await decide(installation, "book", errandFor(limits, errand, now), now), limits);
    },

    async loseAllTurns(now) {
      for (const installation of await installations()) {
        await run(installation, ["lose", JSON.stringify({ now: now.getTime() })]);
      }
    },

    async check() {
      try {
        await redis.run((client) => client.ping());
      } catch (cause) {
        throw unavailable(redis.place, cause);
      }
    },
  };
}

async function evaluate(client: Redis, key: string, args: readonly string[]): Promise<unknown> {
  try {
    return await client.evalsha(scriptSha, 1, key, ...args);
  } catch (error) {
    // A Redis that was restarted has forgotten the script; it was not run.
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return client.eval(script, 1, key, ...args);
  }
}

function decisionFrom([kind, until, gate]: readonly string[]): Decision {
  if (kind === "wait" && until !== undefined && gate !== undefined) return { kind, until: Number(until), gate };
  if (kind === "go") return { kind };
  throw new Error(`The pacing script answered ${String(kind)}, which it never does.`);
}

function unavailable(place: string, cause: unknown): PacingUnavailable {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PacingUnavailable(
    `Redis at ${place} does not answer: ${reason}. Check that it runs, and that its URL and password are right.`,
    { cause },
  );
}
