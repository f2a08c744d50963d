import { Refusal } from "../http/refusal.ts";
import { instant } from "../shapes/repository-shape.ts";
import { sees } from "../auth/caller.ts";
import { connectionResolvers, page, type ConnectionSource } from "./connection.ts";
import { accountObject, pullRequestObject, repositoryObject } from "./objects.ts";
import {
  object,
  optionalBoolean,
  optionalText,
  text,
  type FieldResolvers,
  type GraphqlContext,
  type GraphqlObject,
} from "./resolver.ts";
import { mostHits, searchRepositories } from "../search/repository-search.ts";
import { isListed, unknownNode } from "./visibility.ts";

/** The root of all queries. */
export const queryResolvers: FieldResolvers<unknown> = {
  organization: (_, args, { site }) => {
    const login = text(args, "login");
    const found = site.world.organization(login);
    if (found === undefined) throw unresolved("an Organization", "login", login);
    return accountObject(found);
  },
  user: (_, args, { site }) => {
    const login = text(args, "login");
    const found = site.world.user(login);
    if (found === undefined) throw unresolved("a User", "login", login);
    return accountObject(found);
  },
  repositoryOwner: (_, args, { site }) => {
    const found = site.world.account(text(args, "login"));
    return found === undefined || found.kind === "Bot" ? null : accountObject(found);
  },
  viewer: (_, __, { caller }) => {
    if (caller.kind === "user") return accountObject(caller.actor);
    if (caller.kind === "installation") return object("User", caller.actor);
    throw new Refusal(200, "Resource not accessible by integration", { type: "FORBIDDEN" });
  },
  repository: (_, args, context) => {
    const [owner, name] = [text(args, "owner"), text(args, "name")];
    const found = context.site.world.repositoryNamed(owner, name);
    const isRenamed = found !== undefined && found.name.toLowerCase() !== name.toLowerCase();
    const isFollowed = optionalBoolean(args, "followRenames") ?? true;
    if (found === undefined || !sees(context.caller, found) || (isRenamed && !isFollowed)) {
      throw unresolved("a Repository", "name", `${owner}/${name}`);
    }
    return repositoryObject(found);
  },
  search: (_, args, context) => search(args, context),
  node: (_, args, context) => node(context, text(args, "id")),
  nodes: (_, args, context) => {
    const ids = args["ids"];
    if (!Array.isArray(ids)) throw new TypeError("nodes takes a list of ids.");
    if (ids.length > 100) {
      throw new Refusal(200, `You may not provide more than 100 node ids; you provided ${ids.length}.`, {
        type: "EXCESSIVE_PAGINATION",
      });
    }
    // One that is unknown is null with an error of its own; the others are answered.
    return ids.map(async (id) => node(context, String(id)));
  },
  rateLimit: (_, __, context) => (context.rates.setting === "ghes" ? null : object("RateLimit", context)),
};

function unresolved(what: string, field: string, value: string): Refusal {
  return new Refusal(404, `Could not resolve to ${what} with the ${field} of '${value}'.`, { type: "NOT_FOUND" });
}

function node(context: GraphqlContext, id: string): GraphqlObject {
  const { world } = context.site;
  const repository = world.repositoryByNode(id);
  if (repository !== undefined && isListed(context, repository)) return repositoryObject(repository);
  const found = world.pullRequestByNode(id);
  const isHidden = found !== undefined && context.site.lags.hides("pull-request", found.pullRequest);
  if (found !== undefined && !isHidden && isListed(context, found.repository))
    return pullRequestObject(found.repository, found.pullRequest);
  const account = [...world.accounts.values()].find((candidate) => candidate.nodeId === id);
  if (account !== undefined) return accountObject(account);
  throw unknownNode(id);
}

function search(args: Readonly<Record<string, unknown>>, context: GraphqlContext): GraphqlObject<ConnectionSource> {
  const type = text(args, "type");
  if (type !== "REPOSITORY") throw new Refusal(200, `The local GitHub searches repositories only, not ${type}.`);
  const query = optionalText(args, "query") ?? "";
  const hits = searchRepositories(context.site.world, query).filter((repository) => isListed(context, repository));
  const shown = page("SearchResultItemConnection", hits.slice(0, mostHits), args, "search", repositoryObject);
  return object("SearchResultItemConnection", { ...shown.source, totalCount: hits.length });
}

const none = (): number => 0;

export const searchConnectionResolvers = connectionResolvers("SearchResultItemEdge", {
  repositoryCount: ({ totalCount }) => totalCount,
  codeCount: none,
  discussionCount: none,
  issueCount: none,
  userCount: none,
  wikiCount: none,
});

export const rateLimitResolvers: FieldResolvers<GraphqlContext> = {
  cost: ({ cost }) => cost.points,
  nodeCount: ({ cost }) => cost.nodes,
  limit: ({ rates, caller }) => rates.state(caller, "graphql").limit,
  remaining: ({ rates, caller }) => rates.state(caller, "graphql").remaining,
  used: ({ rates, caller }) => rates.state(caller, "graphql").used,
  resetAt: ({ rates, caller }) => instant(rates.state(caller, "graphql").resetAt),
};
