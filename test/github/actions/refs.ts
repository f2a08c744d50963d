import { actorOf, type Caller } from "../auth/caller.ts";
import { isAncestor } from "../git/history.ts";
import { isRefName, RefsMoved, zeroOid } from "../git/git-repository.ts";
import { Refusal, unprocessable } from "../http/refusal.ts";
import type { Site } from "../site.ts";
import type { Repository } from "../state/repository.ts";
import { announcePush } from "./pushes.ts";
import { branchOf, protectionRefusal, workflowRefusal, type RefChange } from "./ref-rules.ts";

export interface RefRequest {
  readonly name: string;
  /** What the ref has to be now: a SHA, the zero oid for "must not exist", or undefined for whatever it is. */
  readonly expected?: string | undefined;
  /** The zero oid deletes. */
  readonly after: string;
  readonly force: boolean;
}

/**
 * Moves refs of one repository together, after every rule has been asked, and tells pull requests and webhooks.
 * The caller's permission on the repository has been checked already; the repository's lock is held.
 * @throws Refusal
 */
export async function changeRefs(
  site: Site,
  repository: Repository,
  caller: Caller,
  requests: readonly RefRequest[],
): Promise<readonly RefChange[]> {
  const changes: RefChange[] = [];
  for (const request of requests) changes.push(await allowedChange(repository, caller, request));
  const effective = changes.filter((change) => change.before !== change.after);
  if (effective.length === 0) return changes;
  try {
    await repository.git.moveRefs(effective);
  } catch (error) {
    if (error instanceof RefsMoved) throw unprocessable("Reference update failed");
    throw error;
  }
  for (const { name, before } of effective) {
    site.lags.refMoved(repository, name, before === zeroOid ? undefined : before);
  }
  await announcePush(site, repository, actorOf(caller), effective);
  return changes;
}

async function allowedChange(repository: Repository, caller: Caller, request: RefRequest): Promise<RefChange> {
  const { name, after } = request;
  if (!isRefName(name)) throw unprocessable(`${name} is not a valid ref name.`);
  const before = (await repository.git.refOid(name)) ?? zeroOid;
  if (request.expected !== undefined && request.expected !== before) throw stale(name, before, request.expected);
  if (after === zeroOid && before === zeroOid) throw unprocessable("Reference does not exist");
  const change = { name, before, after };
  if (after !== zeroOid) await checkTarget(repository, name, after);
  if (name.startsWith("refs/pull/")) throw unprocessable("Reference update failed");
  const workflow = await workflowRefusal(repository, caller, after);
  if (workflow !== undefined) throw new Refusal(403, workflow, { type: "FORBIDDEN" });
  const refusal = await protectionRefusal(repository, change);
  if (refusal !== undefined) throw protectedRef(change, refusal);
  if (before !== zeroOid && after !== zeroOid && !request.force && !(await isAncestor(repository.git, before, after))) {
    throw unprocessable("Update is not a fast forward");
  }
  return change;
}

async function checkTarget(repository: Repository, name: string, after: string): Promise<void> {
  const target = await repository.git.read(after);
  if (target === undefined || target.oid !== after) throw unprocessable("Object does not exist");
  if (branchOf(name) !== undefined && target.type !== "commit") throw unprocessable("Object is not a commit");
}

function stale(name: string, actual: string, expected: string): Refusal {
  if (expected === zeroOid) {
    return new Refusal(422, `A ref named "${name}" already exists in the repository.`, { type: "UNPROCESSABLE" });
  }
  const found = actual === zeroOid ? "it does not exist" : `it points to ${actual}`;
  return new Refusal(409, `Expected branch to point to "${expected}" but ${found}. Pull and try again.`, {
    type: "STALE_DATA",
  });
}

function protectedRef(change: RefChange, because: string): Refusal {
  if (change.before === zeroOid) return unprocessable("Reference update failed");
  return unprocessable(`Protected branch update failed for ${change.name}.\n\n${because}`);
}
