import { botResolvers, organizationResolvers, teamResolvers, userResolvers } from "./account-types.ts";
import { connectionResolvers, edgeResolvers, pageInfoResolvers } from "./connection.ts";
import * as git from "./git-types.ts";
import { mutationResolvers, payloadResolvers } from "./mutations.ts";
import * as pulls from "./pull-request-types.ts";
import { queryResolvers, rateLimitResolvers, searchConnectionResolvers } from "./query.ts";
import * as repositories from "./repository-types.ts";
import type { FieldResolvers } from "./resolver.ts";

// Each type's resolvers get the source that `object(typename, …)` was given for that very type.
const byType: Readonly<Record<string, unknown>> = {
  Query: queryResolvers,
  Mutation: mutationResolvers,
  Organization: organizationResolvers,
  User: userResolvers,
  Bot: botResolvers,
  Team: teamResolvers,
  Repository: repositories.repositoryResolvers,
  Ref: repositories.refResolvers,
  Language: repositories.languageResolvers,
  RepositoryTopic: repositories.repositoryTopicResolvers,
  Topic: repositories.topicResolvers,
  RepositoryConnection: repositories.repositoryConnectionResolvers,
  RepositoryTopicConnection: repositories.topicConnectionResolvers,
  RefConnection: repositories.refConnectionResolvers,
  SearchResultItemConnection: searchConnectionResolvers,
  Commit: git.commitResolvers,
  CommitConnection: git.commitConnectionResolvers,
  GitActor: git.gitActorResolvers,
  GpgSignature: git.gpgSignatureResolvers,
  Blob: git.blobResolvers,
  Tree: git.treeResolvers,
  TreeEntry: git.treeEntryResolvers,
  PullRequest: pulls.pullRequestResolvers,
  PullRequestCommit: pulls.pullRequestCommitResolvers,
  PullRequestChangedFile: pulls.changedFileResolvers,
  Label: pulls.labelResolvers,
  ReviewRequest: pulls.reviewRequestResolvers,
  IssueComment: pulls.commentResolvers,
  ...pulls.connections,
  RateLimit: rateLimitResolvers,
  PageInfo: pageInfoResolvers,
};

/** The resolvers of a type, or undefined when this local GitHub has none for it. */
export function resolversOf(typename: string): FieldResolvers<unknown> | undefined {
  const known = byType[typename] as FieldResolvers<unknown> | undefined;
  if (known !== undefined) return known;
  if (typename.endsWith("Edge")) return edgeResolvers as FieldResolvers<unknown>;
  if (typename.endsWith("Payload")) return payloadResolvers as FieldResolvers<unknown>;
  return typename.endsWith("Connection")
    ? (connectionResolvers(typename.replace(/Connection$/, "Edge")) as FieldResolvers<unknown>)
    : undefined;
}
