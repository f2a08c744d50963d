import type { Commit, TreeEntry, ObjectType } from "../git/objects.ts";
import type { Account } from "../state/account.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import { object, type GraphqlObject } from "./resolver.ts";

export interface RefSource {
  readonly repository: Repository;
  readonly name: string;
  readonly oid: string;
  readonly type: ObjectType;
}

export interface CommitSource {
  readonly repository: Repository;
  readonly commit: Commit;
}

export interface BlobSource {
  readonly repository: Repository;
  readonly oid: string;
  readonly content: Buffer;
}

export interface TreeSource {
  readonly repository: Repository;
  readonly oid: string;
  readonly entries: readonly TreeEntry[];
}

export interface PullRequestSource {
  readonly repository: Repository;
  readonly pullRequest: PullRequest;
}

export function accountObject(account: Account): GraphqlObject<Account> {
  return object(account.kind, account);
}

export function repositoryObject(repository: Repository): GraphqlObject<Repository> {
  return object("Repository", repository);
}

export function pullRequestObject(repository: Repository, pullRequest: PullRequest): GraphqlObject<PullRequestSource> {
  return object("PullRequest", { repository, pullRequest });
}

/** A ref by its full name, or null when there is none. */
export async function refObject(repository: Repository, name: string): Promise<GraphqlObject<RefSource> | null> {
  const oid = await repository.git.refOid(name);
  const target = oid === undefined ? undefined : await repository.git.read(oid);
  return target === undefined ? null : object("Ref", { repository, name, oid: target.oid, type: target.type });
}

export async function commitObject(repository: Repository, oid: string): Promise<GraphqlObject<CommitSource> | null> {
  const commit = await repository.git.commit(oid);
  return commit === undefined ? null : object("Commit", { repository, commit });
}

/** What a SHA or an expression such as `HEAD:package.json` or `main:src` names, or null. */
export async function gitObject(repository: Repository, expression: string): Promise<GraphqlObject | null> {
  const found = await repository.git.read(expression);
  switch (found?.type) {
    case undefined:
      return null;
    case "commit":
      return commitObject(repository, found.oid);
    case "tree":
      return object("Tree", { repository, oid: found.oid, entries: (await repository.git.tree(found.oid)) ?? [] });
    case "blob":
      return object("Blob", { repository, oid: found.oid, content: found.content });
    case "tag":
      throw new Error("The local GitHub has no annotated tags in GraphQL.");
  }
}
