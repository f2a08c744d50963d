import { beforeEach, describe, expect, test } from "vitest";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { encodeChanges } from "#shared/execution/changes.ts";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import { ScannerUnavailable, type ArtifactScanner } from "#shared/ports/artifact-scanner.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import { aPatch } from "#shared/testing/builders.ts";
import { withoutMalware } from "./quarantine.ts";

const keys = {
  patch: "tidy/1/1/x-1/1/attempts/0123456789ab/patch.diff",
  changes: "tidy/1/1/x-1/1/attempts/0123456789ab/changes.json",
};
const result: TransformResult = {
  version: 1,
  executionId: "x-1",
  outcome: {
    status: "patch",
    patch: { key: keys.patch, sizeBytes: 5 },
    changes: { key: keys.changes },
    tree: aPatch.tree,
    baseTree: aPatch.tree,
    statistics: { files: [], ...aPatch.statistics },
  },
  steps: [],
  timings: { fetchMs: 1, stepsMs: 1, diffMs: 1 },
};

let blobs: BlobStore;
let scanned: string[];
beforeEach(async () => {
  scanned = [];
  blobs = createMemoryBlobStore();
  await blobs.put(keys.patch, Buffer.from("patch"));
  const binary = {
    kind: "write",
    path: "logo.png",
    mode: "100644",
    content: Buffer.from([0xff, 0x45, 0x56, 0x49, 0x4c]),
  } as const;
  const text = { kind: "write", path: "a.txt", mode: "100644", content: Buffer.from("harmless") } as const;
  await blobs.put(keys.changes, encodeChanges([text, { kind: "delete", path: "old.txt" }, binary]));
});

/** Finds a text, wherever it is. */
function scannerFor(malware: string): ArtifactScanner {
  return {
    async scan(body, { fileName }) {
      scanned.push(fileName);
      const bytes = Buffer.concat(await Array.fromAsync(body));
      return bytes.includes(malware) ? { kind: "infected", finding: "Test.Malware-1" } : { kind: "clean" };
    },
    check: async () => {},
  };
}
const everything = async () => [...(await blobs.list("tidy/")), ...(await blobs.list("quarantine/"))];
const failure = (message: string) => ({
  status: "failed",
  retryable: false,
  failure: { kind: "quarantined", message: expect.stringContaining(message) },
});

describe("a result", () => {
  test("passes as it is when nothing is found in its patch and in the files that it writes", async () => {
    expect(await withoutMalware(result, { blobs, scanner: scannerFor("EVILS") })).toBe(result);
    expect(scanned).toEqual(["the patch", "a.txt", "logo.png"]);
    expect(await everything()).toEqual([keys.changes, keys.patch]);
  });

  test("passes unread where the operator has set up no scanner", async () => {
    const unread = { ...blobs, open: () => Promise.reject(new Error("read")) };
    expect(await withoutMalware(result, { blobs: unread, scanner: undefined })).toBe(result);
  });

  test("without a patch has nothing to look at", async () => {
    const unchanged = { ...result, outcome: { status: "no-change" } } as const;
    expect(await withoutMalware(unchanged, { blobs, scanner: scannerFor("") })).toBe(unchanged);
    expect(scanned).toEqual([]);
  });

  test.each([
    ["patch", "the patch"],
    // It is not text, so the patch has it compressed.
    ["EVIL", "logo.png"],
  ])("with %s in it is a failure that names %s, and its patch and changes are out of reach", async (malware, place) => {
    const judged = await withoutMalware(result, { blobs, scanner: scannerFor(malware) });
    expect(judged).toMatchObject({ ...result, outcome: failure(`found Test.Malware-1 in ${place}.`) });
    expect(await everything()).toEqual([
      `quarantine/${keys.changes}`,
      `quarantine/${keys.patch}`,
      `quarantine/${keys.patch}.finding`,
    ]);
    expect(Buffer.from(await blobs.get(`quarantine/${keys.patch}`)).toString()).toBe("patch");
  });

  test("that the scanner will never look at does not pass either", async () => {
    const scanner = { ...scannerFor(""), scan: async () => ({ kind: "refused", because: "it is too large" }) as const };
    const judged = await withoutMalware(result, { blobs, scanner });
    expect(judged.outcome).toMatchObject(failure("does not look at the patch: it is too large."));
    expect(await blobs.list("tidy/")).toEqual([]);
  });

  test("waits while the scanner is down: nothing passes, and nothing is moved", async () => {
    const down: ArtifactScanner = {
      ...scannerFor(""),
      scan: () => Promise.reject(new ScannerUnavailable("It is down.")),
    };
    await expect(withoutMalware(result, { blobs, scanner: down })).rejects.toThrow(ScannerUnavailable);
    expect(await everything()).toEqual([keys.changes, keys.patch]);
  });
});

describe("moving to the quarantine", () => {
  /** The same store, whose nth change is the last before a crash. */
  function crashingAfter(changes: number): BlobStore {
    let left = changes;
    const mutate = <Arguments extends unknown[], Answer>(work: (...args: Arguments) => Promise<Answer>) => {
      return async (...args: Arguments): Promise<Answer> => {
        if (left === 0) throw new Error("crashed");
        left -= 1;
        return work(...args);
      };
    };
    return {
      ...blobs,
      put: mutate((key, bytes) => blobs.put(key, bytes)),
      putStream: mutate((key, body, limits) => blobs.putStream(key, body, limits)),
      remove: mutate((key) => blobs.remove(key)),
    };
  }

  test.each([0, 1, 2, 3, 4])(
    "comes to the same end after a crash behind its change %i, whatever the scanner says then",
    async (changes) => {
      const scanner = scannerFor("EVIL");
      await expect(withoutMalware(result, { blobs: crashingAfter(changes), scanner })).rejects.toThrow("crashed");
      // Before the finding was written down, it has to be found again.
      const later = changes === 0 ? scanner : scannerFor("nothing");
      const judged = await withoutMalware(result, { blobs, scanner: later });
      expect(judged.outcome).toMatchObject(failure("found Test.Malware-1 in logo.png."));
      expect(await everything()).toEqual([
        `quarantine/${keys.changes}`,
        `quarantine/${keys.patch}`,
        `quarantine/${keys.patch}.finding`,
      ]);
    },
  );

  test("is done by two at once as by one", async () => {
    const parts = { blobs, scanner: scannerFor("EVIL") };
    const [one, two] = await Promise.all([withoutMalware(result, parts), withoutMalware(result, parts)]);
    expect(one).toEqual(two);
    expect(await blobs.list("tidy/")).toEqual([]);
  });
});
