import { createHash } from "node:crypto";
import type { CommitDraft } from "#shared/ports/code-host.ts";

/**
 * The SHA that git gives a commit, so that one that is there already is known without making it again.
 * https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_commit_objects
 */
export function commitIdOf(draft: Omit<CommitDraft, "changes"> & { readonly tree: string }): string {
  const { tree, parent, author, message, at } = draft;
  const signature = `${author.name} <${author.email}> ${Math.floor(at.getTime() / 1000)} +0000`;
  const text = `tree ${tree}\nparent ${parent}\nauthor ${signature}\ncommitter ${signature}\n\n${message}`;
  const content = Buffer.from(text);
  return createHash("sha1").update(`commit ${content.byteLength}\0`).update(content).digest("hex");
}
