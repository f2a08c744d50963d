import { instant } from "../shapes/repository-shape.ts";
import type { Account, Organization, Owner, Team, User } from "../state/account.ts";
import type { Repository } from "../state/repository.ts";
import { page } from "./connection.ts";
import { repositoryObject } from "./objects.ts";
import { ordered } from "./ordering.ts";
import {
  optionalBoolean,
  optionalText,
  text,
  type Arguments,
  type FieldResolvers,
  type GraphqlContext,
} from "./resolver.ts";
import { isListed } from "./visibility.ts";

const accountFields: FieldResolvers<Account> = {
  id: (account) => account.nodeId,
  databaseId: (account) => account.id,
  // GraphQL names a bot without the suffix that REST gives it.
  login: (account) => account.login.replace(/\[bot\]$/, ""),
  url: (account, _, { site }) => `${site.urls.root}/${account.login}`,
  resourcePath: (account) => `/${account.login}`,
  avatarUrl: (account, _, { site }) => `${site.urls.root}/avatars/${account.id}`,
  createdAt: (account) => instant(account.createdAt),
};

const ownerFields: FieldResolvers<Owner> = {
  ...(accountFields as FieldResolvers<Owner>),
  name: (owner) => owner.name,
  repositories: (owner, args, context) => {
    const found = context.site.world.repositoriesOf(owner).filter((repository) => isWanted(repository, args, context));
    const sorted = ordered(found, args, {
      CREATED_AT: (repository) => repository.createdAt.getTime(),
      UPDATED_AT: (repository) => repository.updatedAt.getTime(),
      PUSHED_AT: (repository) => repository.pushedAt.getTime(),
      NAME: (repository) => repository.name.toLowerCase(),
      STARGAZERS: () => 0,
    });
    return page("RepositoryConnection", sorted, args, "repositories", repositoryObject);
  },
  repository: (owner, args, context) => {
    const repository = context.site.world.repositoryNamed(owner.login, text(args, "name"));
    return repository !== undefined && isListed(context, repository) ? repositoryObject(repository) : null;
  },
};

function isWanted(repository: Repository, args: Arguments, context: GraphqlContext): boolean {
  const visibility = optionalText(args, "visibility");
  const privacy = optionalText(args, "privacy");
  const archived = optionalBoolean(args, "isArchived");
  const fork = optionalBoolean(args, "isFork");
  const locked = optionalBoolean(args, "isLocked");
  return (
    isListed(context, repository) &&
    (visibility === undefined || visibility === repository.visibility.toUpperCase()) &&
    (privacy === undefined || (privacy === "PUBLIC") === (repository.visibility === "public")) &&
    (archived === undefined || archived === repository.isArchived) &&
    (fork === undefined || fork === repository.isFork) &&
    (locked === undefined || locked === (repository.lockReason !== undefined))
  );
}

export const organizationResolvers: FieldResolvers<Organization> = {
  ...(ownerFields as FieldResolvers<Organization>),
  description: () => null,
};

export const userResolvers: FieldResolvers<User> = {
  ...(ownerFields as FieldResolvers<User>),
  email: () => "",
};

export const botResolvers: FieldResolvers<Account> = accountFields;

export const teamResolvers: FieldResolvers<Team> = {
  id: (team) => team.nodeId,
  databaseId: (team) => team.id,
  slug: (team) => team.slug,
  name: (team) => team.name,
};
