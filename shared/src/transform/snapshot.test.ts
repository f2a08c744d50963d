import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { z } from "zod";
import { decodeSnapshot, encodeSnapshot, isWholeSnapshot, type Snapshot } from "./snapshot.ts";

const about = z.string();
const maxBytes = 8 << 20;

function snapshotOf(content: Uint8Array): Snapshot {
  return {
    laidOutAtMs: 5,
    deleted: ["gone"],
    entries: [
      { kind: "directory", path: "d", modifiedAtMs: 6.25, mode: 0o755 },
      { kind: "file", path: "d/f", modifiedAtMs: 7, mode: 0o644, content },
      { kind: "symlink", path: "d/l", modifiedAtMs: 8, target: "f" },
      { kind: "file", path: "d/\u00e9", modifiedAtMs: 9, mode: 0o755, content: Buffer.from("more") },
    ],
  };
}

const contents: readonly [string, Uint8Array][] = [
  ["small", new Uint8Array(Buffer.from("text\0"))],
  ["large", new Uint8Array(randomBytes(300_000))],
];

test.each(contents)("a %s snapshot is read as it was written", async (_, content) => {
  const snapshot = snapshotOf(content);
  const bytes = await encodeSnapshot("about it", snapshot);
  const read = await decodeSnapshot(bytes, about, maxBytes);
  expect(read.about).toBe("about it");
  expect({ ...read.snapshot, entries: read.snapshot.entries.map(plain) }).toEqual({
    ...snapshot,
    entries: snapshot.entries.map(plain),
  });
});

test.each(contents)("a %s snapshot of which a byte was changed or lost is refused", async (_, content) => {
  const bytes = await encodeSnapshot("about it", snapshotOf(content));
  expect(isWholeSnapshot(bytes)).toBe(true);
  for (const at of [0, 32, 40, bytes.length >> 1, bytes.length - 1]) {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(decodeSnapshot(changed, about, maxBytes)).rejects.toThrow("damaged");
    await expect(decodeSnapshot(bytes.subarray(0, at), about, maxBytes)).rejects.toThrow("damaged");
  }
  for (const empty of [new Uint8Array(), new Uint8Array(bytes.length)]) {
    expect(isWholeSnapshot(empty)).toBe(false);
  }
});

test.each(contents)("a %s snapshot that is larger than allowed is not read", async (_, content) => {
  const bytes = await encodeSnapshot("about it", snapshotOf(content));
  await expect(decodeSnapshot(bytes, about, content.length)).rejects.toThrow(/larger|too large/);
});

function plain(entry: Snapshot["entries"][number]): unknown {
  return entry.kind === "file" ? { ...entry, content: Buffer.from(entry.content).toString("base64") } : entry;
}
