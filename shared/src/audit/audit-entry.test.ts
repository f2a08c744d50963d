import { describe, expect, test } from "vitest";
import { anEntry, later, noon } from "#shared/testing/builders.ts";
import { auditHash, chain, genesisHash, verifyChain, type AuditEntry } from "./audit-entry.ts";
import { wholeLog } from "./audit-log.ts";

/** A chain of so many entries. */
function aChain(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let number = 1; number <= length; number += 1) {
    entries.push(chain(anEntry(`entry/${number}`, { at: later(number), detail: { number } }), entries.at(-1)));
  }
  return entries;
}

async function* each(entries: readonly AuditEntry[]): AsyncGenerator<AuditEntry> {
  yield* entries;
}

describe("a chain of entries", () => {
  test("counts from 1 and carries the hash of the entry before", () => {
    const [first, second] = aChain(2);
    expect(first).toMatchObject({ seq: 1, previousHash: genesisHash });
    expect(second).toMatchObject({ seq: 2, previousHash: first?.hash });
  });

  test("is intact as it was written, also when it is empty", async () => {
    const entries = aChain(3);
    expect(await verifyChain(each(entries))).toEqual({ kind: "intact", entries: 3, lastHash: entries[2]?.hash });
    expect(await verifyChain(each([]))).toEqual({ kind: "intact", entries: 0, lastHash: genesisHash });
  });

  const changes: Readonly<Record<string, Partial<AuditEntry>>> = {
    at: { at: noon },
    actor: { actor: "mallory" },
    action: { action: "campaign.killed" },
    campaign: { campaign: "other" },
    repository: { repository: "acme/other" },
    specVersion: { specVersion: 9 },
    detail: { detail: { number: 3 } },
    dedupeKey: { dedupeKey: "entry/9" },
    hash: { hash: "f".repeat(64) },
  };
  test.each(Object.entries(changes))("is broken at the entry whose %s was changed", async (_, change) => {
    const entries = aChain(3).map((entry) => (entry.seq === 2 ? { ...entry, ...change } : entry));
    expect(await verifyChain(each(entries))).toMatchObject({
      kind: "broken",
      seq: 2,
      because: expect.stringMatching(/changed/),
    });
  });

  test("is broken behind an entry that was rewritten together with its hash", async () => {
    const entries = aChain(3).map((entry) => {
      if (entry.seq !== 2) return entry;
      const rewritten = { ...entry, actor: "mallory" };
      return { ...rewritten, hash: auditHash(rewritten) };
    });
    expect(await verifyChain(each(entries))).toMatchObject({
      kind: "broken",
      seq: 3,
      because: expect.stringMatching(/hash of entry 2/),
    });
  });

  test("is broken where an entry is missing, doubled or out of order", async () => {
    const [first, second, third] = aChain(3);
    if (!first || !second || !third) throw new Error("a chain of three has three entries");
    expect(await verifyChain(each([second, third]))).toMatchObject({ kind: "broken", seq: 1 });
    expect(await verifyChain(each([first, third]))).toMatchObject({
      kind: "broken",
      seq: 2,
      because: expect.stringMatching(/missing/),
    });
    expect(await verifyChain(each([first, first]))).toMatchObject({ kind: "broken", seq: 2 });
  });

  test("has the same hash whatever the order of the details", () => {
    const hash = (detail: AuditEntry["detail"]) => chain(anEntry("e", { detail }), undefined).hash;
    expect(hash({ a: 1, b: ["x", "y"] })).toBe(hash({ b: ["x", "y"], a: 1 }));
    expect(hash({ b: ["x", "y"] })).not.toBe(hash({ b: ["y", "x"] }));
  });
});

test("the whole log is read page by page, each entry once", async () => {
  const entries = aChain(2_500);
  const asked: number[] = [];
  const page = async ({ afterSeq = 0, limit }: { readonly afterSeq?: number; readonly limit: number }) => {
    asked.push(afterSeq);
    return entries.filter(({ seq }) => seq > afterSeq).slice(0, limit);
  };
  expect(await Array.fromAsync(wholeLog({ page }))).toEqual(entries);
  expect(asked).toEqual([0, 1000, 2000, 2500]);
});
