import type { CommitDraft, FileChange } from "#shared/ports/code-host.ts";

/**
 * The commands by which `git fast-import` makes a commit on its parent: the very commit that the draft describes, to the
 * byte. https://git-scm.com/docs/git-fast-import
 */
export function importStream(draft: CommitDraft, ref: string): Uint8Array {
  const { author, parent, at } = draft;
  const signature = `${author.name} <${author.email}> ${Math.floor(at.getTime() / 1000)} +0000`;
  const parts: Uint8Array[] = [];
  const line = (text: string): void => void parts.push(Buffer.from(`${text}\n`));
  const data = (bytes: Uint8Array): void => {
    line(`data ${bytes.byteLength}`);
    parts.push(bytes, Buffer.from("\n"));
  };
  line(`commit ${ref}`);
  line(`author ${signature}`);
  line(`committer ${signature}`);
  data(Buffer.from(draft.message));
  line(`from ${parent}`);
  for (const change of draft.changes.toSorted(deletionsFirst)) {
    if (change.kind === "delete") line(`D ${pathIn(change.path)}`);
    else {
      line(`M ${change.mode} inline ${pathIn(change.path)}`);
      data(change.content);
    }
  }
  return Buffer.concat(parts);
}

/** So that a directory can become a file and a file a directory. */
function deletionsFirst(a: FileChange, b: FileChange): number {
  return Number(a.kind === "write") - Number(b.kind === "write");
}

/** A path that git has quoted stays so; git reads it as C does. Another is taken as it is, but for one with a line feed. */
function pathIn(path: string): string {
  if (path.startsWith('"') || !path.includes("\n")) return path;
  const escaped = path.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`);
  return `"${escaped}"`;
}
