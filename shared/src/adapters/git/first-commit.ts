import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";

const headerBytes = 12;
const commitType = 1;
/** More than git writes of a commit that people made. */
const largestCommitBytes = 1 << 20;

/**
 * The tree of a commit that a pack begins with, as those of a server do; undefined when it begins with something else. It
 * is the commit by its SHA-1, not by anybody's word.
 *
 * @param pack Its first bytes: https://git-scm.com/docs/gitformat-pack
 */
export function treeOfFirstCommit(pack: Buffer, commit: string): string | undefined {
  let at = headerBytes;
  const first = pack[at];
  if (first === undefined || ((first >> 4) & 7) !== commitType) return undefined;
  // The length follows in as many bytes as have their highest bit set; zlib knows it as well.
  while (((pack[at] ?? 0) & 0x80) !== 0) at += 1;
  const object = inflated(pack.subarray(at + 1));
  if (object === undefined) return undefined;
  const id = createHash("sha1").update(`commit ${object.length}\0`).update(object).digest("hex");
  if (id !== commit) return undefined;
  return /^tree ([0-9a-f]{40})\n/.exec(object.toString("latin1", 0, 64))?.[1];
}

/** What follows the compressed bytes does not matter; undefined when they are none, or not all there. */
function inflated(bytes: Buffer): Buffer | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: largestCommitBytes });
  } catch {
    return undefined;
  }
}
