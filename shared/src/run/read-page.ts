import type { CodeHost, CodeSearchPage } from "#shared/ports/code-host.ts";
import { filesAskedFor } from "#shared/spec/match-repository.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { afterCodeSearchPage, codeSearchCursor, codeSearchPlace } from "./code-search-place.ts";
import type { SelectionPart } from "./selection.ts";

/** A page of a selection; `unconfirmed` are those that no code search could confirm, on this page or before. */
export type SelectionPage = CodeSearchPage;

/**
 * Reads one page of a part of the selection from the code host; what is missing is answered as `owner/name`.
 * @throws Rejected (invalid) when the cursor is none of this part's code searches.
 */
export async function readPage(
  codeHost: CodeHost,
  spec: Spec,
  part: SelectionPart,
  cursor: string | undefined,
): Promise<SelectionPage> {
  const { organization } = part;
  const files = filesAskedFor(spec.filters);
  const from = cursor === undefined ? {} : { cursor };
  switch (part.kind) {
    case "organization":
      return { ...(await codeHost.organizationPage({ organization, files, ...from })), unconfirmed: [] };
    case "search":
      return { ...(await codeHost.searchPage({ organization, search: part.search, files, ...from })), unconfirmed: [] };
    case "repositories": {
      const page = await codeHost.findRepositories({ organization, repositories: part.repositories, files });
      // The port speaks of names; a run knows repositories by owner and name.
      return { ...page, missing: page.missing.map((name) => `${organization}/${name}`), unconfirmed: [] };
    }
    case "code-search":
      return readCodeSearchPage(codeHost, files, part, cursor);
  }
}

async function readCodeSearchPage(
  codeHost: CodeHost,
  files: readonly string[],
  { organization, queries }: Extract<SelectionPart, { readonly kind: "code-search" }>,
  cursor: string | undefined,
): Promise<SelectionPage> {
  const place = codeSearchPlace(cursor, queries.length);
  const page = await codeHost.codeSearchPage({
    organization,
    query: queries[place.query] ?? "",
    files,
    ...(place.cursor === undefined ? {} : { cursor: place.cursor }),
  });
  const { tellsUnconfirmed, next } = afterCodeSearchPage(place, page, queries.length);
  const { nextCursor: _, unconfirmed, ...rest } = page;
  return {
    ...rest,
    unconfirmed: tellsUnconfirmed ? unconfirmed : [],
    ...(next === undefined ? {} : { nextCursor: codeSearchCursor(next) }),
  };
}
