import { GraphqlResponseError } from "@octokit/graphql";
import { z } from "zod";
import { CodeHostRefused, type CodeHost, type RepositoryPage, type RepositorySnapshot } from "../../ports/code-host.ts";
import type { GitHubClient } from "./client.ts";
import type { AccountPurpose } from "./errors.ts";
import {
  findRepositoriesQuery,
  maxPageSize,
  organizationPageQuery,
  searchPageQuery,
  type GraphqlRequest,
} from "./repository-queries.ts";

const repository = z
  .object({
    id: z.string(),
    databaseId: z.number(),
    name: z.string(),
    owner: z.object({ login: z.string() }),
    isArchived: z.boolean(),
    isDisabled: z.boolean(),
    isFork: z.boolean(),
    isLocked: z.boolean(),
    lockReason: z.string().nullable(),
    visibility: z.enum(["PUBLIC", "PRIVATE", "INTERNAL"]),
    primaryLanguage: z.object({ name: z.string() }).nullable(),
    repositoryTopics: z.object({
      nodes: z.array(z.object({ topic: z.object({ name: z.string() }) }).nullable()).nullable(),
    }),
    /** Null when the repository is empty or lacks the branch asked for. */
    branch: z.object({ name: z.string(), target: z.object({ oid: z.string() }).nullable() }).nullable(),
  })
  .catchall(z.unknown());

const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });
const organizationPage = z.object({
  repositoryOwner: z.object({ repositories: z.object({ pageInfo, nodes: z.array(repository.nullable()) }) }).nullable(),
});
const searchPage = z.object({
  search: z.object({ repositoryCount: z.number(), pageInfo, nodes: z.array(repository.nullable()) }),
});
const found = z.record(z.string(), repository.nullable());

/** GitHub hands out no more results of a search. https://docs.github.com/en/rest/search/search#about-search */
const maxSearchResults = 1000;

/** Selection: one GraphQL request a page. */
export function repositories(
  client: GitHubClient,
): Pick<CodeHost, "organizationPage" | "searchPage" | "findRepositories"> {
  const ask = (purpose: AccountPurpose, { query, variables }: GraphqlRequest) =>
    client.read(purpose, async ({ graphql }) => graphql<unknown>(query, variables));

  return {
    async organizationPage(query) {
      const account = query.organization;
      const data = await ask({ doing: `list the repositories of ${account}`, account }, organizationPageQuery(query));
      const { repositoryOwner } = organizationPage.parse(data);
      if (!repositoryOwner) {
        throw new CodeHostRefused("not-found", `There is no organization or user ${account}. Check the name.`);
      }
      const { nodes, pageInfo } = repositoryOwner.repositories;
      return page(nodes, query.files, pageInfo);
    },

    async searchPage(query) {
      const account = query.organization;
      const purpose = { doing: `search repositories by ${JSON.stringify(query.search)}`, account };
      const { search } = searchPage.parse(await ask(purpose, searchPageQuery(query)));
      if (search.repositoryCount > maxSearchResults) {
        throw new CodeHostRefused(
          "invalid",
          `The search ${JSON.stringify(query.search)} matches ${search.repositoryCount} repositories, and GitHub shows only the first ${maxSearchResults}. Narrow it, or select the organization and filter.`,
        );
      }
      return page(search.nodes, query.files, search.pageInfo);
    },

    async findRepositories(query) {
      const { organization: account, repositories: asked, files } = query;
      if (asked.length === 0) return { repositories: [], missing: [] };
      if (asked.length > maxPageSize) {
        throw new RangeError(`findRepositories takes up to ${maxPageSize} repositories at once, not ${asked.length}`);
      }
      const { query: document, variables } = findRepositoriesQuery(query);
      const data = await client.read({ doing: `find repositories of ${account}`, account }, async ({ graphql }) => {
        try {
          return await graphql<unknown>(document, variables);
        } catch (error) {
          if (isOnlyMissing(error)) return error.data;
          throw error;
        }
      });
      const answers = found.parse(data);
      const missing = asked.filter((_, index) => !answers[`r${index}`]).map(({ name }) => name);
      return { ...page(Object.values(answers), files), missing };
    },
  };
}

function page(
  nodes: readonly (z.infer<typeof repository> | null)[],
  files: readonly string[],
  info?: z.infer<typeof pageInfo>,
): RepositoryPage {
  const nextCursor = info?.hasNextPage ? info.endCursor : null;
  return {
    // Null stands for what the token cannot see.
    repositories: nodes.flatMap((node) => (node ? [snapshot(node, files)] : [])),
    missing: [],
    ...(nextCursor !== null && { nextCursor }),
  };
}

function snapshot(node: z.infer<typeof repository>, files: readonly string[]): RepositorySnapshot {
  const { branch } = node;
  return {
    id: node.databaseId,
    nodeId: node.id,
    owner: node.owner.login,
    name: node.name,
    ...(branch?.target && { branch: { name: branch.name, commit: branch.target.oid } }),
    isArchived: node.isArchived,
    isDisabled: node.isDisabled,
    isFork: node.isFork,
    ...(node.isLocked && { lockReason: (node.lockReason ?? "LOCKED").toLowerCase().replaceAll("_", " ") }),
    visibility: visibilities[node.visibility],
    topics: (node.repositoryTopics.nodes ?? []).flatMap((each) => (each ? [each.topic.name] : [])),
    ...(node.primaryLanguage && { primaryLanguage: node.primaryLanguage.name }),
    presentFiles: files.filter((_, index) => Boolean(node[`f${index}`])),
  };
}

const visibilities = { PUBLIC: "public", PRIVATE: "private", INTERNAL: "internal" } as const;

/** GraphQL answers in parts: whether all that went wrong is that single repositories do not exist. */
function isOnlyMissing(error: unknown): error is GraphqlResponseError<unknown> {
  return (
    error instanceof GraphqlResponseError &&
    error.data !== null &&
    (error.errors ?? []).every(({ type, path }) => type === "NOT_FOUND" && Array.isArray(path) && path.length === 1)
  );
}
