import { z } from "zod";
import { CodeHostRefused, CodeHostUnavailable, type CodeHost } from "../../ports/code-host.ts";
import type { GitHubClient } from "./client.ts";
import { cursorOf, readCursor } from "./cursor.ts";
import type { AccountPurpose } from "./errors.ts";
import { confirmCandidatesQuery } from "./repository-queries.ts";
import { isOnlyMissing, repository, repositorySnapshot } from "./repository-snapshot.ts";

/** https://docs.github.com/en/rest/search/search#about-search */
const maxCodeHits = 1000;
const perPage = 100;

const place = z.object({
  page: z
    .number()
    .int()
    .min(1)
    .max(maxCodeHits / perPage),
  /** The most hits that a page before has spoken of. */
  total: z.number().int().min(0).max(maxCodeHits).default(0),
});
const answers = z.record(z.string(), z.unknown());

interface Candidate {
  readonly nodeId: string;
  readonly paths: readonly string[];
}

/**
 * Repositories by the code they hold: one REST request for a hundred hits, and a GraphQL request that confirms them.
 * https://docs.github.com/en/rest/search/search#search-code
 */
export function codeSearch(client: GitHubClient): Pick<CodeHost, "codeSearchPage"> {
  /** The candidates that are there, in order, each with whether one of its files is. */
  async function confirm(purpose: AccountPurpose, candidates: readonly Candidate[], files: readonly string[]) {
    if (candidates.length === 0) return [];
    const { query, variables } = confirmCandidatesQuery({ candidates, files });
    const data = await client.read(purpose, async ({ graphql }) => {
      try {
        return await graphql<unknown>(query, variables);
      } catch (error) {
        if (isOnlyMissing(error)) return error.data;
        throw error;
      }
    });
    const answer = answers.parse(data);
    return candidates.flatMap(({ paths }, index) => {
      const node = repository.nullable().parse(answer[`c${index}`] ?? null);
      if (!node) return [];
      const isConfirmed = paths.some((_, hit) => Boolean(node[`h${hit}`]));
      return [{ snapshot: repositorySnapshot(node, files), isConfirmed }];
    });
  }

  return {
    async codeSearchPage({ organization: account, query, files, cursor }) {
      const purpose = { doing: `search code by ${JSON.stringify(query)}`, account };
      const { page, total: before } = cursor === undefined ? { page: 1, total: 0 } : readCursor(place, cursor);
      const { data } = await client.read(purpose, ({ request }) =>
        request("GET /search/code", { q: scoped(query, account), per_page: perPage, page }),
      );
      if (data.total_count > maxCodeHits) {
        throw new CodeHostRefused(
          "invalid",
          `The code search ${JSON.stringify(query)} finds ${data.total_count} files in ${account}, and GitHub shows only the first ${maxCodeHits}. Narrow it, for instance by path:, filename: or extension:, or select the organization and filter by files.`,
        );
      }
      if (data.incomplete_results) {
        throw new CodeHostUnavailable(
          `Could not ${purpose.doing}: GitHub ran out of time and showed a part of what it found. It is tried again; a narrower search takes less time.`,
        );
      }
      const confirmed = await confirm(purpose, candidatesOf(data.items), files);
      // GitHub counts anew for each page; a count that shrinks on the way must not end the search early.
      const total = Math.max(before, data.total_count);
      const isLast = page * perPage >= total || data.items.length === 0;
      return {
        repositories: confirmed.filter(({ isConfirmed }) => isConfirmed).map(({ snapshot }) => snapshot),
        unconfirmed: confirmed.filter(({ isConfirmed }) => !isConfirmed).map(({ snapshot }) => snapshot),
        missing: [],
        ...(!isLast && { nextCursor: cursorOf({ page: page + 1, total }) }),
      };
    },
  };
}

/** Without an owner, GitHub would search all public code. */
function scoped(query: string, account: string): string {
  return /(^|\s)(user|org|repo):/i.test(query) ? query : `${query} user:${account}`;
}

/** The repositories of the hits, each once with the files found in it. */
function candidatesOf(
  items: readonly { readonly path: string; readonly repository: { readonly node_id: string } }[],
): readonly Candidate[] {
  const paths = new Map<string, string[]>();
  for (const { path, repository } of items) {
    paths.set(repository.node_id, [...(paths.get(repository.node_id) ?? []), path]);
  }
  return [...paths].map(([nodeId, paths]) => ({ nodeId, paths }));
}
