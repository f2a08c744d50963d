import { z } from "zod";
import { CodeHostRefused, CodeHostUnavailable, type CodeHost, type RepositoryPage } from "../../ports/code-host.ts";
import type { GitHubClient } from "./client.ts";
import { findRepositoriesQuery, maxPageSize, organizationPageQuery, pageSizes } from "./repository-queries.ts";
import { isOnlyMissing, pageInfo, repository, repositoryPage } from "./repository-snapshot.ts";

const organizationPage = z.object({
  repositoryOwner: z.object({ repositories: z.object({ pageInfo, nodes: z.array(repository.nullable()) }) }).nullable(),
});
const answers = z.record(z.string(), z.unknown());

type ByName = Parameters<CodeHost["findRepositories"]>[0];

/** Selection by owner and by name: one GraphQL request a page. A page that GitHub cannot give in time is halved. */
export function repositories(client: GitHubClient): Pick<CodeHost, "organizationPage" | "findRepositories"> {
  async function findAtOnce(query: ByName): Promise<RepositoryPage> {
    const { organization: account, repositories: asked, files } = query;
    const { query: document, variables } = findRepositoriesQuery(query);
    const data = await client.read({ doing: `find repositories of ${account}`, account }, async ({ graphql }) => {
      try {
        return await graphql<unknown>(document, variables);
      } catch (error) {
        if (isOnlyMissing(error)) return error.data;
        throw error;
      }
    });
    const answer = answers.parse(data);
    const found = asked.map((_, index) => repository.nullable().parse(answer[`r${index}`] ?? null));
    const missing = asked.filter((_, index) => !found[index]).map(({ name }) => name);
    return { ...repositoryPage(found, files), missing };
  }

  async function findInParts(query: ByName): Promise<RepositoryPage> {
    try {
      return await findAtOnce(query);
    } catch (error) {
      const { length } = query.repositories;
      if (!(error instanceof CodeHostUnavailable) || length <= smallestPart) throw error;
      const half = Math.ceil(length / 2);
      const first = await findInParts({ ...query, repositories: query.repositories.slice(0, half) });
      const second = await findInParts({ ...query, repositories: query.repositories.slice(half) });
      return {
        repositories: [...first.repositories, ...second.repositories],
        missing: [...first.missing, ...second.missing],
      };
    }
  }

  return {
    async organizationPage({ organization: account, files, cursor }) {
      const data = await client.read(
        { doing: `list the repositories of ${account}`, account },
        ({ graphql }, attempt) => {
          const query = { organization: account, files, cursor, first: pageSizes[attempt] };
          const { query: document, variables } = organizationPageQuery(query);
          return graphql<unknown>(document, variables);
        },
      );
      const { repositoryOwner } = organizationPage.parse(data);
      if (!repositoryOwner) {
        throw new CodeHostRefused("not-found", `There is no organization or user ${account}. Check the name.`);
      }
      const { nodes, pageInfo } = repositoryOwner.repositories;
      return repositoryPage(nodes, files, pageInfo.hasNextPage ? (pageInfo.endCursor ?? undefined) : undefined);
    },

    async findRepositories(query) {
      const { length } = query.repositories;
      if (length === 0) return { repositories: [], missing: [] };
      if (length > maxPageSize) {
        throw new RangeError(`findRepositories takes up to ${maxPageSize} repositories at once, not ${length}`);
      }
      return findInParts(query);
    },
  };
}

/** What GitHub cannot answer for so few has another reason than how much was asked. */
const smallestPart = 25;
