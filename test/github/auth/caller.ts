import type { Actor, Role, User } from "../state/account.ts";
import type { Installation } from "../state/installation.ts";
import { grants } from "../state/permissions.ts";
import type { Need, Permissions } from "../state/permissions.ts";
import type { Repository } from "../state/repository.ts";
import { reaches } from "../state/world.ts";
import { lacksPermission, notFound, Refusal } from "../http/refusal.ts";

/** Who makes a request. */
export type Caller =
  | { readonly kind: "anonymous" }
  | { readonly kind: "app" }
  | {
      readonly kind: "installation";
      readonly token: string;
      readonly installation: Installation;
      readonly permissions: Permissions;
      readonly repositoryIds: ReadonlySet<number> | undefined;
      readonly actor: Actor;
    }
  | { readonly kind: "user"; readonly token: string; readonly actor: User };

/** Whether an installation token was made for this repository. */
export function isInScope(caller: Extract<Caller, { kind: "installation" }>, repository: Repository): boolean {
  if (!reaches(caller.installation, repository)) return false;
  return caller.repositoryIds === undefined || caller.repositoryIds.has(repository.id);
}

/** Whether the caller knows that the repository exists. */
export function sees(caller: Caller, repository: Repository): boolean {
  if (repository.visibility === "public") return true;
  switch (caller.kind) {
    case "installation":
      return isInScope(caller, repository);
    case "user":
      return roleOf(caller.actor, repository) !== undefined;
    case "anonymous":
    case "app":
      return false;
  }
}

/** Whether the caller may do what any one of `alternatives` allows. */
export function may(caller: Caller, repository: Repository, alternatives: readonly Need[]): boolean {
  if (!sees(caller, repository)) return false;
  switch (caller.kind) {
    case "installation":
      if (isInScope(caller, repository)) return alternatives.some((need) => grants(caller.permissions, need));
      return alternatives.every((need) => need.level === "read");
    case "user": {
      const role = roleOf(caller.actor, repository) ?? "read";
      return alternatives.some((need) => roles.indexOf(role) >= roles.indexOf(roleFor(need)));
    }
    case "anonymous":
    case "app":
      return alternatives.every((need) => need.level === "read");
  }
}

/**
 * Refuses what the caller may not do: 404 for a repository that it does not see, 403 for one that it may only read.
 * @throws Refusal
 */
export function demand(caller: Caller, repository: Repository, alternatives: readonly Need[]): void {
  if (!sees(caller, repository)) throw notFound();
  if (may(caller, repository, alternatives)) return;
  if (caller.kind === "installation") throw lacksPermission(acceptedPermissions(alternatives));
  throw new Refusal(403, "Must have push access to repository", { type: "FORBIDDEN" });
}

/** `issues=write; pull_requests=write`: either is enough. */
export function acceptedPermissions(alternatives: readonly Need[]): string {
  return alternatives.map((need) => `${need.name}=${need.level}`).join("; ");
}

const roles: readonly Role[] = ["read", "triage", "write", "maintain", "admin"];

function roleFor(need: Need): Role {
  if (need.name === "administration") return "admin";
  if (need.level === "read") return "read";
  return need.name === "issues" ? "triage" : "write";
}

/** What a person may do in a repository, or undefined for nothing at all. */
export function roleOf(user: User, repository: Repository): Role | undefined {
  const login = user.login.toLowerCase();
  const owner = repository.owner;
  if (owner === user) return "admin";
  const found: Role[] = [];
  const direct = repository.collaborators.get(login);
  if (direct !== undefined) found.push(direct);
  if (owner.kind === "Organization") {
    const membership = owner.members.get(login);
    if (membership === "owner") return "admin";
    if (membership === "member") found.push("read");
    for (const team of owner.teams.values()) {
      const role = team.repositories.get(repository.id);
      if (role !== undefined && team.members.has(login)) found.push(role);
    }
  }
  return found.sort((left, right) => roles.indexOf(right) - roles.indexOf(left))[0];
}

/** Whether a person may push, which is also what makes them assignable. */
export function hasPushAccess(user: User, repository: Repository): boolean {
  const role = roleOf(user, repository);
  return role !== undefined && roles.indexOf(role) >= roles.indexOf("write");
}

/** Who signs what the caller does. @throws Refusal for somebody who cannot act. */
export function actorOf(caller: Caller): Actor {
  if (caller.kind === "installation" || caller.kind === "user") return caller.actor;
  throw new Refusal(401, "Requires authentication");
}
