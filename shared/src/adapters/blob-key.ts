import { InvalidBlobKey } from "../ports/blob-store.ts";

// What every store can keep: S3 ends at 1,024 bytes a key, file systems at 255 a name, of which a store may use some.
const longestKey = 900;
const longestSegment = 200;

const segmentPattern = /^[A-Za-z0-9._-]+$/;

/** Whether it is a key by the rules of the port. */
export function isBlobKey(text: string): boolean {
  return text.length <= longestKey && text.split("/").every(isSegment);
}

/** The segments of a key. @throws InvalidBlobKey when it is not one by the rules of the port. */
export function segmentsOfKey(key: string): readonly string[] {
  if (!isBlobKey(key)) throw new InvalidBlobKey(key.slice(0, longestKey));
  return key.split("/");
}

/** The segments of a prefix for `list`, which ends in `/`. @throws InvalidBlobKey */
export function segmentsOfPrefix(prefix: string): readonly string[] {
  if (!prefix.endsWith("/")) throw new InvalidBlobKey(prefix);
  return segmentsOfKey(prefix.slice(0, -1));
}

function isSegment(text: string): boolean {
  return segmentPattern.test(text) && text !== "." && text !== ".." && text.length <= longestSegment;
}
