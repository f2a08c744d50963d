// One of several processes that publish at once. It is forked with the URL of Redis and the path of a file that stands for
// the audit log; at each message it opens as many pull requests as it gets turns for, at that virtual time.
import { appendFileSync, readFileSync } from "node:fs";
import { githubLimits } from "../../pacing/limits.ts";
import { PacingUnavailable } from "../../ports/pacing.ts";
import { afterMs, aPullRequest, isGo } from "../../testing/pacing-world.ts";
import { openRedis } from "./redis-connection.ts";
import { createRedisPacing } from "./redis-pacing.ts";

/** What a process says after each message: when to ask it again. */
export interface Round {
  readonly untilMs: number;
}

const [, , url = "", auditLog = ""] = process.argv;

const redis = openRedis({ url, timeoutMs: 5000 });
const pacing = createRedisPacing({
  redis,
  limits: githubLimits(),
  recall: async () => ({
    contentCreatedAt: readFileSync(auditLog, "utf8")
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((line) => afterMs(Number(line))),
  }),
});

async function publish(atMs: number): Promise<Round> {
  for (;;) {
    try {
      const answer = await pacing.take("1", aPullRequest, afterMs(atMs));
      if (!isGo(answer)) return { untilMs: answer.until.getTime() - afterMs(0).getTime() };
      appendFileSync(auditLog, `${atMs}\n`);
      await pacing.done(answer.turn, {}, afterMs(atMs));
    } catch (error) {
      if (error instanceof PacingUnavailable) return { untilMs: atMs + 1000 };
      throw error;
    }
  }
}

process.on("message", (atMs) => {
  // The parent sends nothing but numbers. A rejection ends the process, which the parent sees.
  void publish(Number(atMs)).then((round) => process.send?.(round));
});
process.on("disconnect", () => void redis.close());
process.send?.({ untilMs: 0 } satisfies Round);
