import type { Installation } from "#shared/ports/code-host.ts";
import type { HostApp } from "#shared/ports/host-app.ts";
import type { InstallationStore } from "./installation-store.ts";

/**
 * What was heard in the minute before the list was asked for is left alone, too: the list may lag behind the webhook that
 * told it, and clocks differ. The next sweep sees it.
 */
const doubtfulMs = 60_000;

/** What the code host's list changes in what is known. */
interface InstallationsPlan {
  /** New, renamed, suspended, or no longer so. */
  readonly save: readonly Installation[];
  readonly remove: readonly number[];
}

export function planInstallations(known: readonly Installation[], listed: readonly Installation[]): InstallationsPlan {
  const knownById = new Map(known.map((installation) => [installation.id, installation]));
  const listedIds = new Set(listed.map(({ id }) => id));
  return {
    save: listed.filter((installation) => !isSame(knownById.get(installation.id), installation)),
    remove: known.filter(({ id }) => !listedIds.has(id)).map(({ id }) => id),
  };
}

/**
 * Brings what is known of the installations up to the code host's list. It writes only what changed, and nothing that a
 * webhook has told since: so doing it twice, or while webhooks come, changes nothing more.
 *
 * @returns How many were written.
 */
export async function sweepInstallations(
  {
    hostApp,
    transact,
  }: {
    readonly hostApp: HostApp;
    readonly transact: <Result>(
      work: (stores: { readonly installations: InstallationStore }) => Promise<Result>,
    ) => Promise<Result>;
  },
  at: Date,
): Promise<{ readonly saved: number; readonly removed: number }> {
  const unlessHeardSince = new Date(at.getTime() - doubtfulMs);
  const listed = await hostApp.installations();
  return transact(async ({ installations }) => {
    const plan = planInstallations(await installations.list(), listed);
    let [saved, removed] = [0, 0];
    for (const id of plan.remove) if (await installations.remove(id, at, unlessHeardSince)) removed += 1;
    for (const each of plan.save) if (await installations.save(each, at, unlessHeardSince)) saved += 1;
    return { saved, removed };
  });
}

function isSame(known: Installation | undefined, { account, suspended }: Installation): boolean {
  return known?.account === account && known.suspended === suspended;
}
