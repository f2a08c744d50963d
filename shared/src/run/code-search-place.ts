import { z } from "zod";
import { Rejected } from "#shared/errors.ts";
import type { CodeSearchPage } from "#shared/ports/code-host.ts";

const schema = z.strictObject({
  /** Which of the searches, counted from 0. */
  query: z.int().nonnegative(),
  /** Where its page begins, in the code host's words. */
  cursor: z.string().optional(),
  /** Searches whose pages so far named repositories that they could not confirm. */
  toRepeat: z.array(z.int().nonnegative()),
  /** Whether the searches in `toRepeat` are read once more, `query` being the first of them. */
  isRepetition: z.boolean(),
});

/**
 * Where the reading of an organization's code searches stands.
 *
 * A later page or search may confirm what an earlier one could not, and what is said first of a repository holds. So all
 * searches are read for what they confirm, and only then those that named others once more, for these others. Most need
 * no second reading: what the last page of all could not confirm is told right there.
 */
export type CodeSearchPlace = z.infer<typeof schema>;

const beginning: CodeSearchPlace = { query: 0, toRepeat: [], isRepetition: false };

/** @throws Rejected (invalid) when the cursor is none that {@link codeSearchCursor} has made for so many searches. */
export function codeSearchPlace(cursor: string | undefined, queries: number): CodeSearchPlace {
  if (cursor === undefined) return beginning;
  const parsed = schema.safeParse(parseJson(Buffer.from(cursor, "base64url").toString()));
  if (!parsed.success || [parsed.data.query, ...parsed.data.toRepeat].some((query) => query >= queries)) {
    throw new Rejected("invalid", "The place to go on from is not one of this selection's code searches. Begin again.");
  }
  return parsed.data;
}

/** The place as one opaque word. */
export function codeSearchCursor(place: CodeSearchPlace): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** Whether what this page could not confirm can be told now, and where the next page begins, if there is one. */
export function afterCodeSearchPage(
  place: CodeSearchPlace,
  page: Pick<CodeSearchPage, "unconfirmed" | "nextCursor">,
  queries: number,
): { readonly tellsUnconfirmed: boolean; readonly next: CodeSearchPlace | undefined } {
  const { query, toRepeat, isRepetition } = place;
  const { nextCursor } = page;
  const isLastSearch = query + 1 >= queries;
  const tellsUnconfirmed = isRepetition || (isLastSearch && nextCursor === undefined);
  const isLeft = !tellsUnconfirmed && page.unconfirmed.length > 0 && !toRepeat.includes(query);
  const repeated = isLeft ? [...toRepeat, query] : toRepeat;
  if (nextCursor !== undefined) {
    return { tellsUnconfirmed, next: { query, cursor: nextCursor, toRepeat: repeated, isRepetition } };
  }
  if (!isRepetition && !isLastSearch) {
    return { tellsUnconfirmed, next: { query: query + 1, toRepeat: repeated, isRepetition } };
  }
  const left = isRepetition ? repeated.slice(1) : repeated;
  const [first] = left;
  return {
    tellsUnconfirmed,
    next: first === undefined ? undefined : { query: first, toRepeat: left, isRepetition: true },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
