import type { CodeHost, RepositoryPage } from "#shared/ports/code-host.ts";
import { filesAskedFor } from "#shared/spec/match-repository.ts";
import type { Spec } from "#shared/spec/spec.ts";
import type { SelectionPart } from "./run.ts";

/** Reads one page of a part of the selection from the code host; what is missing is answered as `owner/name`. */
export async function readPage(
  codeHost: CodeHost,
  spec: Spec,
  part: SelectionPart,
  cursor: string | undefined,
): Promise<RepositoryPage> {
  const { organization } = part;
  const files = filesAskedFor(spec.filters);
  const from = cursor === undefined ? {} : { cursor };
  switch (part.kind) {
    case "organization":
      return codeHost.organizationPage({ organization, files, ...from });
    case "search":
      return codeHost.searchPage({ organization, search: part.search, files, ...from });
    case "repositories": {
      const page = await codeHost.findRepositories({ organization, repositories: part.repositories, files });
      // The port speaks of names; a run knows repositories by owner and name.
      return { ...page, missing: page.missing.map((name) => `${organization}/${name}`) };
    }
  }
}
