import type { Clock } from "../../ports/clock.ts";
import { CodeHostBusy, CodeHostUnavailable } from "../../ports/code-host.ts";
import { PacingUnavailable } from "../../ports/pacing.ts";
import { answerOf } from "./answer.ts";
import { errorFor, type Purpose } from "./errors.ts";
import { NoAnswer } from "./exchange.ts";
import type { GitHubLogger } from "./octokit.ts";
import { RedirectRefused } from "./transport.ts";
import { NoTurn } from "./turns.ts";

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
export type Ask = <T>(purpose: Purpose, repeatable: boolean, request: Attempt<T>) => Promise<T>;

/** One attempt; `attempt` counts from 0. */
export type Attempt<T> = (attempt: number) => Promise<T>;

export function createAsk({ clock, webUrl, sleep, logger }: AskSettings): Ask {
  return async (purpose, repeatable, request) => {
    const attempt = async (delays: readonly number[]): Promise<Awaited<ReturnType<typeof request>>> => {
      try {
        return await request(delaysMs.length - delays.length);
      } catch (error) {
        const ours = notGitHubs(error, purpose);
        if (ours) throw ours;
        const answer = answerOf(error);
        if (!answer) throw error;
        const named = errorFor(answer, purpose, { now: clock.now(), webUrl });
        const [delayMs, ...rest] = delays;
        const fields = { status: answer.status, requestId: answer.requestId, repository: purpose.repository };
        // Whoever catches it decides whether it is worth a line: not finding a branch is an answer like any other.
        if (!repeatable || delayMs === undefined || !(named instanceof CodeHostUnavailable)) throw named;
        logger.warn({ ...fields, delayMs }, `${named.message} Sending it again.`);
        await sleep(delayMs);
        return attempt(rest);
      }
    };
    return attempt(delaysMs);
  };
}

/** The error for what failed on our side, mostly unsent: Octokit wraps what its fetch throws, git needs no Octokit. */
function notGitHubs(error: unknown, { doing }: Purpose): Error | undefined {
  const isWrapped = error instanceof Error && error.name === "HttpError";
  const cause = isWrapped
    ? error.cause
    : error instanceof NoTurn || error instanceof PacingUnavailable
      ? error
      : undefined;
  if (!(cause instanceof Error)) return undefined;
  if (cause instanceof NoAnswer || cause instanceof RedirectRefused) return undefined;
  if (cause instanceof NoTurn) {
    const until = cause.until.toISOString();
    const message = `Could not ${doing} now: ${cause.message}. It goes on at ${until}, within GitHub's limits.`;
    return new CodeHostBusy(message, cause.until);
  }
  if (cause instanceof PacingUnavailable) {
    const message = `Could not ${doing}: how much may be asked of GitHub is not known (${cause.message}). It is tried again.`;
    return new CodeHostUnavailable(message, { cause });
  }
  return cause;
}
