import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import { BlobStoreUnavailable } from "#shared/ports/blob-store.ts";
import { later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import type { ExecutionState } from "./execution.ts";
import { reasonToRemove, sweepBlobs } from "./sweep-blobs.ts";

const day = 24 * 60 * 60_000;
const old = later(-1);
const artifact = "tidy/1/1/x-1/2/patch.diff";
/** The key of a step in the cache, by the first digits of its hash. */
const cached = (digits: string) => `cache/${digits.slice(0, 2)}/${digits.padEnd(64, "0")}`;

describe("a blob", () => {
  test.each<
    [string, ExecutionState["status"] | undefined, { attempt?: number; storedAt?: Date; usedAt?: Date }, boolean]
  >([
    ["of a patch stays, however old it is", "patch", {}, false],
    ["of no change stays", "no-change", {}, false],
    ["of what runs stays", "running", {}, false],
    ["of what is asked for stays", "pending", {}, false],
    ["of what has expired goes, however young it is", "expired", { storedAt: noon }, true],
    ["of what failed goes when it is old", "failed", {}, true],
    ["of what was cancelled goes when it is old", "cancelled", {}, true],
    ["of what failed lately stays", "failed", { storedAt: noon, usedAt: noon }, false],
    ["of what failed, and was asked for lately, stays", "failed", { usedAt: noon }, false],
    ["of an attempt before goes when it is old", "patch", { attempt: 3 }, true],
    ["of an attempt just before stays for a while", "patch", { attempt: 3, storedAt: noon }, false],
    ["of nobody goes when it is old", undefined, {}, true],
    ["of nobody who is known yet stays", undefined, { storedAt: noon }, false],
  ])("%s", (_, status, { attempt = 2, storedAt = old, usedAt = old }, goes) => {
    const use = status && { status, attempt, at: usedAt };
    const reason = reasonToRemove({ key: artifact, sizeBytes: 1, storedAt }, use, noon);
    expect(reason !== undefined).toBe(goes);
  });

  test.each([
    [cached("ab"), true],
    ["quarantine/tidy/1/1/x-1/1/patch.diff", true],
    ["quarantine/tidy/1/1/x-1/1/patch.diff.finding", true],
    ["cache/ab/abcdef", false],
    ["cache/pip/wheel", false],
    [`${cached("ab")}.old`, false],
    [`theirs/${cached("ab")}`, false],
    ["quarantine/mail/today", false],
    ["quarantine/tidy/1/1/x-1/1", false],
    ["cached/ab", false],
    ["backups/today", false],
    ["tidy/readme", false],
  ])("called %s goes when it is old: %s", (key, goes) => {
    expect(reasonToRemove({ key, sizeBytes: 1, storedAt: old }, undefined, noon) !== undefined).toBe(goes);
    expect(reasonToRemove({ key, sizeBytes: 1, storedAt: noon }, undefined, noon)).toBeUndefined();
  });
});

describe("the sweep of blobs", () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await testDatabase();
  });
  afterEach(() => db.drop());

  test("goes through a big store part by part, to its end and from its beginning again", async () => {
    const clock = createManualClock(noon);
    const blobs = createMemoryBlobStore({ clock });
    const stores = createStores(db.database.knex, []);
    const key = (index: number) => cached(String(index).padStart(5, "0"));
    for (let index = 0; index < 4500; index += 1) await blobs.put(key(index), new Uint8Array());
    clock.advance(40 * day);
    await blobs.put(key(9999), new Uint8Array());
    const sweep = async () => {
      await stores.rounds.claim({ name: "sweep", everyMs: 1 }, clock.now());
      clock.advance(1);
      return sweepBlobs({ ...stores, blobs }, "sweep", later(30 * day));
    };
    const swept = [await sweep(), await sweep(), await sweep(), await sweep()];
    expect(swept).toEqual([
      { seen: 2000, removed: 2000 },
      { seen: 2000, removed: 2000 },
      { seen: 501, removed: 500 },
      { seen: 1, removed: 0 },
    ]);
    await blobs.put(key(0), new Uint8Array());
    expect(await sweep()).toEqual({ seen: 2, removed: 0 });
  });

  test("says which blob it could not remove, and goes on after it", async () => {
    const clock = createManualClock(noon);
    const memory = createMemoryBlobStore({ clock });
    for (const digits of ["a1", "a2", "a3"]) await memory.put(cached(digits), new Uint8Array());
    const locked = new BlobStoreUnavailable("It is locked.");
    const remove = async (key: string) => (key === cached("a1") ? Promise.reject(locked) : memory.remove(key));
    const stores = createStores(db.database.knex, []);
    const sweeping = sweepBlobs({ ...stores, blobs: { ...memory, remove } }, "sweep", later(day));
    await expect(sweeping).rejects.toThrow(locked);
    expect((await memory.scan({ limit: 10 })).map(({ key }) => key)).toEqual([cached("a1")]);
  });
});
