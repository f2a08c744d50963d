import type { ApiClient, RepositoryView, Status } from "./api-client.ts";
import type { Io } from "./io.ts";
import { looks } from "./poll.ts";
import { collect } from "./render-findings.ts";
import type { Session } from "./session.ts";
import { renderCounts } from "./standings.ts";
import { plain } from "./terminal.ts";

/** Nothing has moved for so long, and each one that waits says what for. */
const quietMs = 3000;
/** Nothing has moved for so long, whatever the reason. */
const stillMs = 30_000;

/** Where a campaign stands once nothing of it moves: what waits, and why. */
export interface Settled {
  readonly status: Status;
  readonly waiting: readonly RepositoryView[];
}

/**
 * Follows the changesets that were asked for until nothing moves: each is published, given up or left to people, or
 * waits for something that takes longer, such as tomorrow's cap, or the campaign was paused or killed.
 *
 * @param selectedBecause Reasons of repositories that nobody has tried to publish yet: one that is shown with another
 * reason was tried, and waits for what it says.
 */
export async function waitForPublication(
  { io, progress }: Pick<Session, "io" | "progress">,
  api: Pick<ApiClient, "status" | "repositories">,
  campaign: string,
  selectedBecause: ReadonlySet<string>,
  timeoutMs: number | undefined,
): Promise<Settled> {
  const still = stopwatch(io);
  for await (const _ of looks(io, timeoutMs)) {
    const status = await api.status(campaign);
    const { ready = 0, publishing = 0, closing = 0 } = status.standings;
    if (ready + publishing + closing === 0) return { status, waiting: [] };
    const counts = renderCounts(status.standings, plain);
    progress.show(`Publishing ${campaign}: ${counts}`);
    const stillForMs = still(`${status.campaign.status}: ${counts}`);
    // A turn that has begun ends soon, by itself or with a reason.
    if (publishing > 0 && stillForMs < stillMs) continue;
    const stopped = status.campaign.status !== "active";
    if (!stopped && stillForMs < quietMs) continue;
    const waiting = await waitingOf(api, campaign);
    const allSay = waiting.every(({ because }) => !selectedBecause.has(because));
    if (stopped || allSay || stillForMs >= stillMs) return { status, waiting };
  }
  throw new TypeError("looks end by throwing");
}

async function waitingOf(api: Pick<ApiClient, "repositories">, campaign: string): Promise<readonly RepositoryView[]> {
  return [
    ...(await collect(api.repositories(campaign, "publishing"))),
    ...(await collect(api.repositories(campaign, "ready"))),
    ...(await collect(api.repositories(campaign, "closing"))),
  ];
}

/** For how many milliseconds what it is shown has been the same. */
function stopwatch({ now }: Pick<Io, "now">): (seen: string) => number {
  let last: string | undefined;
  let since = 0;
  return (seen) => {
    if (seen !== last) since = now();
    last = seen;
    return now() - since;
  };
}
