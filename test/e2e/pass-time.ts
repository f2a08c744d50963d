import { setTimeout as sleep } from "node:timers/promises";
import type { VirtualClock } from "../github/virtual-clock.ts";
import type { Surroundings } from "./world.ts";

/** What is to live through a virtual time. */
export interface Living extends Pick<Surroundings, "github" | "stores" | "database"> {
  readonly clock: VirtualClock;
  /** Called when the clock was moved: what has become due is to be released. */
  readonly moved: () => void | Promise<void>;
}

const pollMs = 5;
/** Whoever waits on the clock for less is in the middle of something; for longer, other things come first. */
const nearMs = 30_000;
/** Whatever is under way for so long in real time, and waits for nothing, was lost. Longer than a request's time-out. */
const lostMs = 60_000;
/** Longer than anything that waits in a test does. */
const endlessMs = 5 * 24 * 3_600_000;

/**
 * Lets everything happen that is to happen before `until`, moving the clock to whatever comes next while nothing moves by
 * itself. Without `until` it goes on until there is nothing left to do.
 * @throws Error when something is put off for ever, or is under way and never ends
 */
export async function passTime(living: Living, until?: Date): Promise<void> {
  const { clock, moved } = living;
  const endlessAt = clock.now().getTime() + endlessMs;
  for (let movedAtMs = performance.now(); ;) {
    const now = clock.now().getTime();
    if (now > endlessAt) throw new Error(`It never ends: ${JSON.stringify(await living.stores.tasks.counts())}`);
    const wakeAt = clock.nextWakeAt();
    const isNear = wakeAt !== undefined && wakeAt.getTime() - now <= nearMs;
    if (isNear) clock.set(wakeAt);
    else if (!(await isMoving(living))) {
      const next = earliest(wakeAt, await nextDueAt(living));
      if (next === undefined || (until !== undefined && next >= until)) break;
      if (next.getTime() > now) clock.set(next);
    }
    if (clock.now().getTime() > now) movedAtMs = performance.now();
    if (performance.now() - movedAtMs > lostMs) {
      throw new Error(`Nothing moves: ${JSON.stringify(await living.stores.tasks.counts())}`);
    }
    await moved();
    await sleep(pollMs);
  }
  if (until === undefined) return;
  clock.set(until);
  await moved();
}

/** Whether anything is under way, or on its way from GitHub. */
async function isMoving({ clock, stores, github }: Living): Promise<boolean> {
  if (await stores.tasks.isMoving(clock.now())) return true;
  await github.webhooksSettled();
  return stores.tasks.isMoving(clock.now());
}

async function nextDueAt({ database }: Living): Promise<Date | undefined> {
  const { rows } = await database.database.knex.raw<{ rows: { at: Date | null }[] }>(
    "SELECT min(not_before) AS at FROM tasks WHERE state = 'due'",
  );
  return rows[0]?.at ?? undefined;
}

function earliest(...instants: readonly (Date | undefined)[]): Date | undefined {
  const known = instants.filter((instant) => instant !== undefined);
  return known.reduce<Date | undefined>(
    (first, each) => (first === undefined || each < first ? each : first),
    undefined,
  );
}
