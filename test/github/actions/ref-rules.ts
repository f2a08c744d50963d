import type { Caller } from "../auth/caller.ts";
import { may } from "../auth/caller.ts";
import { isAncestor } from "../git/history.ts";
import { zeroOid } from "../git/git-repository.ts";
import { needs } from "../state/permissions.ts";
import { protectionOf, type Repository } from "../state/repository.ts";

export interface RefChange {
  /** `refs/heads/…` */
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

const workflows = ".github/workflows";

/** What the protection of a branch has against a change of its ref, in GitHub's words. */
export async function protectionRefusal(
  repository: Repository,
  change: RefChange,
  force: "check force" | "force is checked later" = "check force",
): Promise<string | undefined> {
  const branch = branchOf(change.name);
  const protection = branch === undefined ? undefined : protectionOf(repository, branch);
  if (protection === undefined) return undefined;
  if (change.before === zeroOid) return protection.blocksCreation ? "Cannot create protected branch" : undefined;
  if (change.after === zeroOid) return protection.allowDeletions ? undefined : "Cannot delete protected branch";
  if (protection.requiredApprovals > 0) return "Changes must be made through a pull request.";
  const check = protection.requiredStatusChecks[0];
  if (check !== undefined) return `Required status check "${check}" is expected.`;
  if (protection.allowForcePushes || force === "force is checked later") return undefined;
  const isForward = await isAncestor(repository.git, change.before, change.after);
  return isForward ? undefined : "Cannot force-push to this branch";
}

/** Whether the branch may only move forward. */
export function refusesForce(repository: Repository, change: RefChange): boolean {
  const branch = branchOf(change.name);
  const protection = branch === undefined ? undefined : protectionOf(repository, branch);
  return protection !== undefined && !protection.allowForcePushes && change.before !== zeroOid;
}

/** The refusal for a commit whose workflows no branch has yet, when the caller lacks the `workflows` permission. */
export async function workflowRefusal(
  repository: Repository,
  caller: Caller,
  after: string,
): Promise<string | undefined> {
  if (caller.kind !== "installation" || may(caller, repository, [needs("workflows", "write")])) return undefined;
  if (after === zeroOid) return undefined;
  const mine = await workflowFiles(repository, after);
  if (mine.size === 0) return undefined;
  const known = new Set<string>();
  for (const ref of await repository.git.refs("refs/heads/")) {
    for (const [path, oid] of await workflowFiles(repository, ref.oid)) known.add(`${path}\0${oid}`);
  }
  const added = [...mine].find(([path, oid]) => !known.has(`${path}\0${oid}`));
  if (added === undefined) return undefined;
  return `refusing to allow a GitHub App to create or update workflow \`${workflows}/${added[0]}\` without \`workflows\` permission`;
}

async function workflowFiles(repository: Repository, revision: string): Promise<ReadonlyMap<string, string>> {
  const commit = await repository.git.commit(revision);
  const folder = commit === undefined ? undefined : await repository.git.entryAt(commit.tree, workflows);
  const entries = folder?.mode === "040000" ? await repository.git.tree(folder.oid) : [];
  return new Map(entries?.map((entry) => [entry.name, entry.oid]));
}

export function branchOf(ref: string): string | undefined {
  return ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}
