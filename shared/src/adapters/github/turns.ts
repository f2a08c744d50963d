import type { Clock } from "../../ports/clock.ts";
import type { PacedOutcome, PacedRequest, PacedTurn, Pacing } from "../../ports/pacing.ts";
import type { GitHubLogger } from "./octokit.ts";
import type { Budget, LimitHit } from "./rate-limits.ts";
import type { RequestMeter } from "./request-meter.ts";
import type { RequestTraits } from "./request-traits.ts";

/** Who asks: the installation whose budget pays, and how urgent it is. */
export interface Caller {
  readonly installation: string;
  readonly urgency: PacedRequest["urgency"];
  /** Told of each request and of what it cost. */
  readonly meter?: RequestMeter | undefined;
}

/** What an exchange with GitHub said about the limits. */
export interface LimitNews {
  readonly budget?: Budget | undefined;
  readonly limitHit?: LimitHit | undefined;
  /** What GraphQL charged. */
  readonly cost?: number | undefined;
}

/** Lets one request happen within the budget. @throws NoTurn when it has to wait for longer than one waits here. */
export type Turns = <T extends LimitNews>(
  caller: Caller,
  traits: RequestTraits,
  exchange: () => Promise<T>,
) => Promise<T>;

/** There is no room before `until`: the work goes back to the due-table. Nothing was sent. */
export class NoTurn extends Error {
  override readonly name = "NoTurn";
  readonly until: Date;
  constructor(until: Date, because: string) {
    super(because);
    this.until = until;
  }
}

/** Together, for one request. A function that slept for longer would hold its place in vain. */
const waitsHereMs = 2000;

interface TurnsSettings {
  readonly pacing: Pacing | undefined;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  readonly logger: GitHubLogger;
}

/** Each request takes one turn and gives it back whatever happens; what GitHub says of its limits goes with it. */
export function createTurns({ pacing, clock, sleep, logger }: TurnsSettings): Turns {
  if (!pacing) return (_caller, _traits, exchange) => exchange();

  /** What each GraphQL document cost last: GitHub's own price, for want of a better guess 1. */
  const costs = new Map<string, number>();

  async function take(pacing: Pacing, { installation, urgency }: Caller, traits: RequestTraits): Promise<PacedTurn> {
    const { operation, resource, kind, createsContent } = traits;
    const request = { resource, kind, createsContent, urgency, cost: costs.get(operation) ?? 1 };
    for (let waitedMs = 0; ;) {
      const now = clock.now();
      const answer = await pacing.take(installation, request, now);
      if (answer.kind === "go") return answer.turn;
      const waitMs = Math.max(10, answer.until.getTime() - now.getTime());
      if (waitedMs + waitMs > waitsHereMs) throw new NoTurn(answer.until, answer.because);
      await sleep(waitMs);
      waitedMs += waitMs;
    }
  }

  /** A budget that is spent holds back those who need it; everything else that GitHub says stops everybody. */
  function outcomeOf({ budget, limitHit }: LimitNews): PacedOutcome {
    const slowDown = limitHit && slowDownOf(limitHit, budget);
    return { ...(budget && { budget }), ...(slowDown && { slowDown }) };
  }

  /** Without a time from GitHub, how long everybody waits is for the pacing to say. */
  function slowDownOf(hit: LimitHit, budget: Budget | undefined): PacedOutcome["slowDown"] {
    if (hit.kind === "spent") return budget ? undefined : { until: hit.retryAt };
    return hit.isNamed ? { until: hit.retryAt } : {};
  }

  return async (caller, traits, exchange) => {
    const turn = await take(pacing, caller, traits);
    let outcome: PacedOutcome = {};
    try {
      const answer = await exchange();
      if (answer.cost !== undefined) costs.set(traits.operation, answer.cost);
      outcome = outcomeOf(answer);
      return answer;
    } finally {
      await pacing.done(turn, outcome, clock.now()).catch((error: unknown) => {
        // The request is made; its turn counts as lost, and is free again after a while.
        logger.warn({ installation: caller.installation, err: error }, "Could not give back a turn at GitHub.");
      });
    }
  };
}
