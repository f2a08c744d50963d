import { may, sees } from "../auth/caller.ts";
import { lacksPermission, Refusal } from "../http/refusal.ts";
import type { Need } from "../state/permissions.ts";
import type { Repository } from "../state/repository.ts";
import type { GraphqlContext } from "./resolver.ts";

/** Whether a list may show a repository: what the token does not reach is left out. */
export function isListed(context: GraphqlContext, repository: Repository): boolean {
  return sees(context.caller, repository);
}

/** Refuses what the caller's permissions do not cover; any of the needs is enough. @throws Refusal FORBIDDEN */
export function demandAny(context: GraphqlContext, repository: Repository, ...alternatives: readonly Need[]): void {
  if (may(context.caller, repository, alternatives)) return;
  throw lacksPermission(alternatives.map((need) => `${need.name}=${need.level}`).join("; "));
}

/** @throws Refusal always: the id names nothing that the caller can see */
export function unknownNode(id: string): Refusal {
  return new Refusal(404, `Could not resolve to a node with the global id of '${id}'`, { type: "NOT_FOUND" });
}
