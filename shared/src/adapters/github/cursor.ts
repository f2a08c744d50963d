import type { z } from "zod";
import { CodeHostRefused } from "../../ports/code-host.ts";

/** A place in a list, as one opaque word. */
export function cursorOf(place: object): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @throws CodeHostRefused with `kind: "invalid"` when this is no cursor of ours. */
export function readCursor<Place>(place: z.ZodType<Place>, cursor: string): Place {
  try {
    const text = Buffer.from(cursor, "base64url").toString();
    return place.parse(JSON.parse(text));
  } catch (error) {
    throw new CodeHostRefused("invalid", "The place to go on from is not one that this version wrote. Begin again.", {
      cause: error,
    });
  }
}
