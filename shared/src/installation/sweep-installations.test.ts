import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryHostApp } from "#shared/adapters/memory/memory-host-app.ts";
import { createInstallationStore } from "#shared/adapters/postgres/code-host-stores.ts";
import type { Installation } from "#shared/ports/code-host.ts";
import type { HostApp } from "#shared/ports/host-app.ts";
import { later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { planInstallations, sweepInstallations } from "./sweep-installations.ts";

const acme: Installation = { id: 1, account: "acme", suspended: false };
const globex: Installation = { id: 2, account: "globex", suspended: true };

describe("a list of installations", () => {
  test.each<[string, { known: Installation[]; listed: Installation[]; save: Installation[]; remove: number[] }]>([
    [
      "that says what is known changes nothing",
      { known: [acme, globex], listed: [globex, acme], save: [], remove: [] },
    ],
    ["adds what is new", { known: [acme], listed: [acme, globex], save: [globex], remove: [] }],
    ["removes what is gone", { known: [acme, globex], listed: [globex], save: [], remove: [1] }],
    [
      "tells of a suspension and of its end",
      {
        known: [acme, globex],
        listed: [
          { ...acme, suspended: true },
          { ...globex, suspended: false },
        ],
        save: [
          { ...acme, suspended: true },
          { ...globex, suspended: false },
        ],
        remove: [],
      },
    ],
    [
      "tells of a new name, in another case too",
      { known: [acme], listed: [{ ...acme, account: "Acme" }], save: [{ ...acme, account: "Acme" }], remove: [] },
    ],
    [
      "tells of an App that was installed again",
      { known: [acme], listed: [{ ...acme, id: 3 }], save: [{ ...acme, id: 3 }], remove: [1] },
    ],
    ["may be empty", { known: [acme], listed: [], save: [], remove: [1] }],
  ])("%s", (_, { known, listed, save, remove }) => {
    expect(planInstallations(known, listed)).toEqual({ save, remove });
  });
});

describe("the sweep of installations", () => {
  let db: TestDatabase;
  const clock = createManualClock(noon);
  beforeEach(async () => {
    db = await testDatabase();
    clock.set(noon);
  });
  afterEach(() => db.drop());

  const store = () => createInstallationStore(db.database.knex);
  const sweep = (hostApp: HostApp) =>
    sweepInstallations(
      {
        hostApp,
        transact: (work) =>
          db.database.knex.transaction((sql) => work({ installations: createInstallationStore(sql) })),
      },
      clock.now(),
    );

  test("finds all, and writes nothing when it comes again", async () => {
    const hostApp = createMemoryHostApp({ clock });
    hostApp.install("acme");
    hostApp.install("globex", { suspended: true });
    await store().save({ id: 99, account: "initech", suspended: false }, later(-3_600_000));
    expect(await sweep(hostApp)).toEqual({ saved: 2, removed: 1 });
    expect(await store().list()).toEqual(await hostApp.installations());
    expect(await sweep(hostApp)).toEqual({ saved: 0, removed: 0 });
    hostApp.install("globex", { suspended: false });
    hostApp.uninstall("acme");
    clock.advance(10 * 60_000);
    expect(await sweep(hostApp)).toEqual({ saved: 1, removed: 1 });
    expect(await store().list()).toEqual(await hostApp.installations());
  });

  test("does not undo a webhook that came while it read the list; the next one agrees with it", async () => {
    const hostApp = createMemoryHostApp({ clock });
    const suspended = hostApp.install("acme");
    const gone = hostApp.install("globex");
    await sweep(hostApp);
    clock.advance(10 * 60_000);

    const stale: HostApp = {
      ...hostApp,
      async installations() {
        const listed = await hostApp.installations();
        const heardAt = new Date(clock.now().getTime() + 500);
        await store().save({ ...suspended, suspended: true }, heardAt);
        await store().remove(gone.id, heardAt);
        await store().save({ id: 77, account: "initech", suspended: false }, heardAt);
        return listed;
      },
    };
    expect(await sweep(stale)).toEqual({ saved: 0, removed: 0 });
    expect(await store().list()).toEqual([
      { ...suspended, suspended: true },
      { id: 77, account: "initech", suspended: false },
    ]);

    clock.advance(10 * 60_000);
    await sweep(hostApp);
    expect(await store().list()).toEqual(await hostApp.installations());
  });

  test("trusts a webhook of a moment ago more than a list that does not show it yet", async () => {
    const hostApp = createMemoryHostApp({ clock });
    await store().save({ id: 77, account: "initech", suspended: false }, later(-10_000));
    expect(await sweep(hostApp)).toEqual({ saved: 0, removed: 0 });
    clock.advance(60_000);
    expect(await sweep(hostApp)).toEqual({ saved: 0, removed: 1 });
  });
});
