import { createStores } from "#shared/adapters/postgres/stores.ts";
import type { Capabilities, CapabilityName, Granted } from "./capabilities.ts";
import { storeNames } from "./capabilities.ts";
import type { Foundation } from "./foundation.ts";
import { opensAfter, providers, settingsOfProvider, type Lazy } from "./providers.ts";
import { readSettings, type SettingName } from "./config.ts";
import { alwaysReleased } from "./task-release.ts";

/** Capabilities that have been opened, how to see whether they work, and how to let them go. */
export interface Opened {
  /** Hands a function what it needs, and nothing else. */
  readonly grant: (needs: readonly CapabilityName[]) => Granted<CapabilityName>;
  /** What each can say of itself; resolves when it works. */
  readonly checks: ReadonlyMap<string, () => Promise<void>>;
  close(): Promise<void>;
}

/**
 * Opens what the functions need, once for all of them, and nothing else; only that requires settings.
 *
 * @param overrides Capabilities to use instead of making them.
 * @throws InvalidConfiguration naming every setting that is missing or wrong.
 */
export async function openCapabilities(
  foundation: Foundation,
  needs: readonly CapabilityName[],
  overrides: Partial<Capabilities> = {},
): Promise<Opened> {
  const names = inOrder(needs, foundation.environment, overrides);
  const settings = readSettings(foundation.environment, settingsOf(needs, foundation.environment, overrides));
  const { database, clock, log } = foundation;
  const stores = createStores(database.knex, alwaysReleased);
  const opened: Partial<Capabilities> = { ...stores, clock, log, ...overrides };
  const checks = new Map<string, () => Promise<void>>([["postgres", () => database.check()]]);
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    for (const name of names) {
      const made = await providers[name].open({ ...foundation, settings, opened });
      Object.assign(opened, { [name]: made.value });
      if (made.check) checks.set(name, made.check);
      if (made.close) closers.push(made.close);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    grant: (needs) => ({
      ...pick(opened, needs),
      transact: (work) =>
        database.knex.transaction((transaction) => work(pick(createStores(transaction, alwaysReleased), needs))),
    }),
    checks,
    close,
  };
}

/**
 * The settings that opening these takes in this environment, those of what they are opened after included; nothing for
 * what is given.
 */
export function settingsOf(
  needs: readonly CapabilityName[],
  environment: Foundation["environment"],
  given: Partial<Capabilities> = {},
): readonly SettingName[] {
  return [...new Set(inOrder(needs, environment, given).flatMap((name) => settingsOfProvider(name, environment)))];
}

/**
 * The lazy capabilities among these and those they are opened after, each once, in an order that can be opened; those
 * that are given are left out, and what they would be opened after.
 */
function inOrder(
  needs: readonly CapabilityName[],
  environment: Foundation["environment"],
  given: Partial<Capabilities>,
): readonly Lazy[] {
  const known = new Set<string>([...storeNames, "clock", "log", ...Object.keys(given)]);
  const ordered = new Set<Lazy>();
  const visit = (name: CapabilityName): void => {
    if (known.has(name)) return;
    // What is not a store, the clock or the log is lazy.
    const lazy = name as Lazy;
    for (const before of opensAfter(lazy, environment)) visit(before);
    ordered.add(lazy);
  };
  for (const name of needs) visit(name);
  return [...ordered];
}

/** Those of the values that are named: what a function does not name, it cannot reach. */
function pick(values: Partial<Capabilities>, names: readonly CapabilityName[]): Capabilities {
  const named = new Set<string>(names);
  // The function's own type, made from the same `needs`, says which of them are there.
  return Object.fromEntries(Object.entries(values).filter(([name]) => named.has(name))) as unknown as Capabilities;
}
