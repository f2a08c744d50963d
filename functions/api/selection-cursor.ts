import { HTTPException } from "hono/http-exception";
import { hashOf } from "#shared/hash.ts";

/** What a cursor belongs to: it means nothing in another part, or of another spec. */
interface Origin {
  readonly specHash: string;
  readonly part: number;
}

/** A cursor of the code host for people to send back, with a checksum, so that one that was mixed up is noticed here. */
export function sealCursor(origin: Origin, cursor: string): string {
  return `${checksum(origin, cursor)}.${cursor}`;
}

/** @throws HTTPException 400 when it is not a cursor that was made for this part of this spec. */
export function openCursor(origin: Origin, sealed: string): string {
  const cursor = sealed.slice(sealed.indexOf(".") + 1);
  if (sealCursor(origin, cursor) === sealed) return cursor;
  throw new HTTPException(400, {
    message: "cursor: it is none of this spec and part. Send what `next` says, or leave it out to begin the part anew.",
  });
}

function checksum({ specHash, part }: Origin, cursor: string): string {
  return hashOf(specHash, part, cursor).slice(0, 16);
}
