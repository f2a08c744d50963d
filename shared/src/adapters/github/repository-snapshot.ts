import { GraphqlResponseError } from "@octokit/graphql";
import { z } from "zod";
import type { RepositoryPage, RepositorySnapshot } from "../../ports/code-host.ts";

/** A repository as the fragments of `repository-queries.ts` ask for it. */
export const repository = z
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

export const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });

/** A page of what was answered: null stands for what the token cannot see. */
export function repositoryPage(
  nodes: readonly (z.infer<typeof repository> | null)[],
  files: readonly string[],
  nextCursor?: string,
): RepositoryPage {
  return {
    repositories: nodes.flatMap((node) => (node ? [repositorySnapshot(node, files)] : [])),
    missing: [],
    ...(nextCursor !== undefined && { nextCursor }),
  };
}

export function repositorySnapshot(node: z.infer<typeof repository>, files: readonly string[]): RepositorySnapshot {
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
export function isOnlyMissing(error: unknown): error is GraphqlResponseError<unknown> {
  return (
    error instanceof GraphqlResponseError &&
    error.data !== null &&
    (error.errors ?? []).every(({ type, path }) => type === "NOT_FOUND" && Array.isArray(path) && path.length === 1)
  );
}
