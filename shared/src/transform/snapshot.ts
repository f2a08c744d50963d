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

/** A snapshot and what belongs to it as one compressed blob: the length of a JSON header, the header, then the contents. */
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
  return compress(Buffer.concat([length, header, ...contents]), { level: 1 });
}

/** @throws Error when the bytes were not made by {@link encodeSnapshot}, or what belongs to it is not what is expected. */
export async function decodeSnapshot<About>(
  bytes: Uint8Array,
  about: z.ZodType<About>,
  maxBytes: number,
): Promise<{ readonly about: About; readonly snapshot: Snapshot }> {
  const all = await expand(bytes, { maxOutputLength: maxBytes });
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
