import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { z } from "zod";

/**
 * How a work tree differs from what was laid out at first: everything, what git ignores and the steps' own `.git`
 * included, since a later step may read it. Paths are relative; each character is one byte, since names need not be UTF-8.
 */
export interface Snapshot {
  /** Nothing that was laid out had been modified later. What is older than this was given its time by a program. */
  readonly laidOutAtMs: number;
  readonly deleted: readonly string[];
  /** Parents come before what is in them. */
  readonly entries: readonly SnapshotEntry[];
}

export type SnapshotEntry = { readonly path: string; readonly modifiedAtMs: number } & (
  | { readonly kind: "directory"; readonly mode: number }
  | { readonly kind: "file"; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: "symlink"; readonly target: string }
);

export const emptySnapshot: Snapshot = { laidOutAtMs: 0, deleted: [], entries: [] };

export function isEmptySnapshot({ deleted, entries }: Snapshot): boolean {
  return deleted.length === 0 && entries.length === 0;
}

const path = z
  .string()
  .min(1)
  .refine((value) => value.split("/").every((name) => name !== "" && name !== "." && name !== ".."));
const mode = z.int().min(0).max(0o7777);
const modifiedAtMs = z.number();

/** With the sizes of contents in place of the contents, which follow in the same order. */
const snapshotHeader = z.object({
  laidOutAtMs: z.number(),
  deleted: z.array(path),
  entries: z.array(
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("directory"), path, modifiedAtMs, mode }),
      z.object({ kind: z.literal("file"), path, modifiedAtMs, mode, sizeBytes: z.int().nonnegative() }),
      z.object({ kind: z.literal("symlink"), path, modifiedAtMs, target: z.string().min(1) }),
    ]),
  ),
});

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** To compress less takes longer than to write it as it is. */
const smallBytes = 64 << 10;

/** A blob begins with the checksum of what follows; the first byte of that tells how the rest is kept. */
const checksumBytes = 32;
const asItIs = 0x50;
const compressed = 0x5a;

/**
 * A snapshot and what belongs to it as one blob, compressed where that is worth it: a checksum, the length of a JSON header,
 * the header, then the contents.
 */
export async function encodeSnapshot(about: unknown, snapshot: Snapshot): Promise<Uint8Array> {
  const contents: Uint8Array[] = [];
  const entries = snapshot.entries.map((entry) => {
    if (entry.kind !== "file") return entry;
    const { content, ...file } = entry;
    contents.push(content);
    return { ...file, sizeBytes: content.byteLength };
  });
  const header = Buffer.from(JSON.stringify({ about, snapshot: { ...snapshot, entries } }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.byteLength);
  const all = Buffer.concat([length, header, ...contents]);
  const isSmall = all.byteLength <= smallBytes;
  const body = isSmall ? [Buffer.of(asItIs), all] : [Buffer.of(compressed), await compress(all, { level: 1 })];
  return Buffer.concat([checksumOf(body), ...body]);
}

/** Whether the bytes are such as {@link encodeSnapshot} makes them, of this version or another, and none was changed or lost. */
export function isWholeSnapshot(bytes: Uint8Array): boolean {
  return checksumOf([bytes.subarray(checksumBytes)]).equals(bytes.subarray(0, checksumBytes));
}

function checksumOf(pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

/** @throws Error when the bytes were not made by {@link encodeSnapshot}, or what belongs to it is not what is expected. */
export async function decodeSnapshot<About>(
  bytes: Uint8Array,
  about: z.ZodType<About>,
  maxBytes: number,
): Promise<{ readonly about: About; readonly snapshot: Snapshot }> {
  if (!isWholeSnapshot(bytes)) throw new Error("the snapshot is damaged");
  const [kept] = bytes.subarray(checksumBytes);
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(checksumBytes + 1);
  const all = kept === compressed ? await expand(body, { maxOutputLength: maxBytes }) : body;
  if (all.byteLength > maxBytes) throw new Error("the snapshot is too large");
  const headerEnd = 4 + all.readUInt32BE(0);
  const parsed = z
    .object({ about, snapshot: snapshotHeader })
    .parse(JSON.parse(all.subarray(4, headerEnd).toString("utf8")));
  let at = headerEnd;
  const entries = parsed.snapshot.entries.map((entry): SnapshotEntry => {
    if (entry.kind !== "file") return entry;
    const { sizeBytes, ...file } = entry;
    const content = new Uint8Array(all.subarray(at, at + sizeBytes));
    if (content.byteLength !== sizeBytes) throw new Error("the snapshot ends too early");
    at += sizeBytes;
    return { ...file, content };
  });
  return { about: parsed.about, snapshot: { ...parsed.snapshot, entries } };
}
