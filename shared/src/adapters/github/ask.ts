import { CodeHostUnavailable } from "../../ports/code-host.ts";
import type { Clock } from "../../ports/clock.ts";
import { answerOf } from "./answer.ts";
import { errorFor, type Purpose } from "./errors.ts";
import type { GitHubLogger } from "./octokit.ts";

/** Waits before a read is sent again. Together they stay far below the time a function has. */
const delaysMs = [500, 2000] as const;

interface AskSettings {
  readonly clock: Clock;
  readonly webUrl: string;
  readonly sleep: (ms: number) => Promise<void>;
  readonly logger: GitHubLogger;
}

/**
 * Makes a request and turns what GitHub answers into the port's errors. Only what is `repeatable` is sent again, when
 * GitHub was unavailable: after a write that got no answer nobody knows whether it was done, so its caller looks first.
 */
export type Ask = <T>(purpose: Purpose, repeatable: boolean, request: () => Promise<T>) => Promise<T>;

export function createAsk({ clock, webUrl, sleep, logger }: AskSettings): Ask {
  return async (purpose, repeatable, request) => {
    const attempt = async (delays: readonly number[]): Promise<Awaited<ReturnType<typeof request>>> => {
      try {
        return await request();
      } catch (error) {
        const answer = answerOf(error);
        if (!answer) throw error;
        const named = errorFor(answer, purpose, { now: clock.now(), webUrl });
        const [delayMs, ...rest] = delays;
        const fields = { status: answer.status, requestId: answer.requestId, repository: purpose.repository };
        if (!repeatable || delayMs === undefined || !(named instanceof CodeHostUnavailable)) {
          logger.warn(fields, named.message);
          throw named;
        }
        logger.warn({ ...fields, delayMs }, `${named.message} Sending it again.`);
        await sleep(delayMs);
        return attempt(rest);
      }
    };
    return attempt(delaysMs);
  };
}
