import { z } from "zod";
import type { FakeCall } from "./fake-github.ts";

/** A repository that a search may find. */
export interface FakeHit {
  readonly name: string;
  /** As `2026-01-31`. */
  readonly created: string;
  readonly sizeKb: number;
}

const body = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});

/**
 * GraphQL's repository search over `hits`, as GitHub has it: by `created:` and `size:`, in pages, and never more than the
 * first 1,000. Put it at `POST /graphql` of a fake GitHub.
 */
export function fakeSearch(hits: readonly FakeHit[]) {
  return (call: FakeCall): { readonly body: unknown } => {
    const { query, variables } = body.parse(call.body);
    if (query.startsWith("query SearchCounts")) {
      const counts = Object.entries(variables).map(([name, search]) => [
        name,
        { repositoryCount: found(hits, String(search)).length },
      ]);
      return { body: { data: { rateLimit: null, ...Object.fromEntries(counts) } } };
    }
    const all = found(hits, String(variables["search"]));
    const from = Number(variables["cursor"] ?? 0);
    const to = Math.min(from + Number(variables["first"]), 1000, all.length);
    const pageInfo = { hasNextPage: to < Math.min(all.length, 1000), endCursor: String(to) };
    const nodes = all.slice(from, to).map(nodeOf);
    return { body: { data: { rateLimit: null, search: { repositoryCount: all.length, pageInfo, nodes } } } };
  };
}

function found(hits: readonly FakeHit[], search: string): readonly FakeHit[] {
  const [, created] = /\bcreated:(\S+)/.exec(search) ?? [];
  const [, size] = /\bsize:(\S+)/.exec(search) ?? [];
  return hits.filter((hit) => lies(hit.created, created) && lies(hit.sizeKb, size));
}

function lies(value: string | number, range = ""): boolean {
  const compare = (bound: string, sign: 1 | -1) => {
    const of = typeof value === "number" ? Number(bound) : bound;
    return sign === 1 ? value >= of : value <= of;
  };
  if (range === "") return true;
  if (range.startsWith(">=")) return compare(range.slice(2), 1);
  if (range.startsWith("<=")) return compare(range.slice(2), -1);
  if (range.startsWith(">")) return !compare(range.slice(1), -1);
  if (range.startsWith("<")) return !compare(range.slice(1), 1);
  const [from = "", to = from] = range.split("..");
  return compare(from, 1) && compare(to, -1);
}

/** A repository as GraphQL shows it; its id is the digits of its name. */
export function nodeOf({ name }: Pick<FakeHit, "name">) {
  return {
    __typename: "Repository",
    id: `R_${name}`,
    databaseId: Number(name.replaceAll(/\D/g, "")),
    name,
    owner: { login: "acme" },
    isArchived: false,
    isDisabled: false,
    isFork: false,
    isLocked: false,
    lockReason: null,
    visibility: "PRIVATE",
    primaryLanguage: null,
    repositoryTopics: { nodes: [] },
    branch: { name: "main", target: { oid: "a".repeat(40) } },
  };
}
