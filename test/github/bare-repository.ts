import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TreeEdit } from "./actions/tree-edit.ts";
import { emptyTree, zeroOid, type GitRepository } from "./git/git-repository.ts";
import type { Signature } from "./git/objects.ts";

/** A file to commit: its text or bytes, or with a mode (100755, 120000 …). */
export type FileContent =
  string | Uint8Array | { readonly mode: "100644" | "100755" | "120000"; readonly content: string | Uint8Array };

/** Makes an empty bare repository whose HEAD names the branch. */
export async function initializeBare(directory: string, branch: string): Promise<void> {
  await mkdir(join(directory, "objects", "info"), { recursive: true });
  await mkdir(join(directory, "refs", "heads"), { recursive: true });
  await writeFile(join(directory, "HEAD"), `ref: refs/heads/${branch}\n`);
  await writeFile(
    join(directory, "config"),
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
  );
}

/** Writes a commit on top of `parent`; null removes a file. */
export async function writeFiles(
  git: GitRepository,
  commit: {
    readonly parent: string | undefined;
    readonly files: Readonly<Record<string, FileContent | null>>;
    readonly message: string;
    readonly author: Signature;
  },
): Promise<string> {
  const parent = commit.parent === undefined ? undefined : await git.commit(commit.parent);
  const edit = new TreeEdit(git, parent?.tree ?? emptyTree);
  for (const [path, file] of Object.entries(commit.files)) {
    if (file === null) await edit.remove(path);
    else {
      const { mode, content } = typeof file === "object" && "mode" in file ? file : { mode: "100644", content: file };
      await edit.put(path, mode, await git.write("blob", Buffer.from(content)));
    }
  }
  const { author, message } = commit;
  const parents = parent === undefined ? [] : [parent.oid];
  return git.writeCommit({ tree: await edit.write(), parents, author, committer: author, message });
}

/** Gives a new repository its first commit. */
export async function commitFirst(
  git: GitRepository,
  branch: string,
  files: Readonly<Record<string, FileContent>>,
  author: Signature,
): Promise<void> {
  const after = await writeFiles(git, { parent: undefined, files, message: "Initial commit", author });
  await git.moveRefs([{ name: `refs/heads/${branch}`, before: zeroOid, after }]);
}
