import { changeRefs } from "../actions/refs.ts";
import { githubSignature, signatureOf, writeSignedCommit } from "../actions/signing.ts";
import { TreeEdit } from "../actions/tree-edit.ts";
import { actorOf, sees } from "../auth/caller.ts";
import { Refusal, unprocessable } from "../http/refusal.ts";
import { needs, type Need } from "../state/permissions.ts";
import type { Repository } from "../state/repository.ts";
import { findRef } from "./find-ref.ts";
import { commitObject, refObject } from "./objects.ts";
import { object, optionalText, text, type Arguments, type GraphqlContext, type GraphqlObject } from "./resolver.ts";

type Changing = <T>(
  context: GraphqlContext,
  repository: Repository,
  needs: readonly Need[],
  work: () => Promise<T>,
) => Promise<T>;

/** Commits files to the head of a branch, signed, if the head is still the expected one. New files are 100644. */
export async function createCommitOnBranch(
  context: GraphqlContext,
  wanted: Arguments,
  changing: Changing,
): Promise<GraphqlObject> {
  const { repository, branch } = await committableBranch(context, wanted["branch"] as Arguments);
  const commit = await changing(context, repository, [needs("contents", "write")], () =>
    commitTo(context, repository, branch, wanted),
  );
  const ref = await refObject(repository, `refs/heads/${branch}`);
  return object("CreateCommitOnBranchPayload", { wanted, ref, commit: await commitObject(repository, commit) });
}

async function committableBranch(
  context: GraphqlContext,
  branch: Arguments,
): Promise<{ readonly repository: Repository; readonly branch: string }> {
  const id = optionalText(branch, "id");
  if (id !== undefined) {
    const { repository, name } = await findRef(context, id);
    return { repository, branch: name.replace(/^refs\/heads\//, "") };
  }
  const fullName = optionalText(branch, "repositoryNameWithOwner") ?? "";
  const [owner = "", name = ""] = fullName.split("/");
  const repository = context.site.world.repositoryNamed(owner, name);
  if (repository === undefined || !sees(context.caller, repository)) {
    throw new Refusal(404, `Could not resolve to a Repository with the name of '${fullName}'.`, { type: "NOT_FOUND" });
  }
  return { repository, branch: (optionalText(branch, "branchName") ?? "").replace(/^refs\/heads\//, "") };
}

async function commitTo(
  context: GraphqlContext,
  repository: Repository,
  branch: string,
  wanted: Arguments,
): Promise<string> {
  const { site, caller } = context;
  const expected = text(wanted, "expectedHeadOid");
  const head = await repository.git.branchHead(branch);
  if (head === undefined) throw new Refusal(404, `Branch "${branch}" not found.`, { type: "NOT_FOUND" });
  if (head !== expected) {
    const message = `Expected branch to point to "${head}" but it did not. Pull and try again.`;
    throw new Refusal(409, message, { type: "STALE_DATA" });
  }
  const parent = await repository.git.commit(head);
  if (parent === undefined) throw new Error(`The head ${head} of ${branch} is no commit.`);
  const tree = await editedTree(repository, parent.tree, wanted["fileChanges"] as Arguments | undefined);
  // The schema has enforced a CommitMessage with a headline.
  const message = wanted["message"] as Arguments;
  const now = site.world.clock.now();
  const body = optionalText(message, "body");
  const commit = await writeSignedCommit(site.world, repository.git, {
    tree,
    parents: [head],
    author: signatureOf(actorOf(caller), now),
    committer: githubSignature(now),
    message: [text(message, "headline"), ...(body === undefined ? [] : [body])].join("\n\n"),
  });
  await changeRefs(site, repository, caller, [
    { name: `refs/heads/${branch}`, expected: head, after: commit, force: false },
  ]);
  return commit;
}

async function editedTree(repository: Repository, base: string, changes: Arguments | undefined): Promise<string> {
  const edit = new TreeEdit(repository.git, base);
  // The schema has enforced lists of FileDeletion and FileAddition.
  const { deletions = [], additions = [] } = (changes ?? {}) as Record<string, readonly Arguments[]>;
  if (deletions.length + additions.length === 0) throw unprocessable("A commit needs at least one file change.");
  for (const deletion of deletions) await edit.remove(text(deletion, "path"));
  for (const addition of additions) {
    const oid = await repository.git.write("blob", Buffer.from(text(addition, "contents"), "base64"));
    const path = text(addition, "path");
    const before = await repository.git.entryAt(base, path);
    await edit.put(path, before?.mode === "100755" ? "100755" : "100644", oid);
  }
  return edit.write();
}
