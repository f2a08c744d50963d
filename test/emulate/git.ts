import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { CommitDraft } from "#shared/ports/code-host.ts";

/** `date` as ISO 8601. */
interface Signature {
  readonly name: string;
  readonly email: string;
  readonly date: string;
}

export interface GitCommit {
  readonly message: string;
  readonly author: Signature;
  readonly committer: Signature;
}

/** What git itself makes of the same contents in a bare repository, whatever this machine's git is set to. */
export async function createGit(directory: string) {
  async function git(args: readonly string[], input: string | Uint8Array = "", env: NodeJS.ProcessEnv = {}) {
    const own = { GIT_DIR: directory, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", ...env };
    const child = spawn("git", args, {
      env: { PATH: process.env["PATH"], ...own },
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.end(input);
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
    if (code !== 0) throw new Error(`git ${args.join(" ")} ended with ${String(code)}`);
    return said.trim();
  }

  await git(["init", "--quiet", "--bare"]);
  return {
    /** Applies changes to the tree that was written before, or to none. */
    async writeTree(changes: CommitDraft["changes"]): Promise<string> {
      for (const change of changes) {
        const entry =
          change.kind === "delete"
            ? `0 ${"0".repeat(40)}`
            : `${change.mode} ${await git(["hash-object", "-w", "--stdin"], change.content)}`;
        await git(["update-index", "-z", "--index-info"], `${entry}\t${change.path}\0`);
      }
      return git(["write-tree"]);
    },

    commit(tree: string, parents: readonly string[], { message, author, committer }: GitCommit): Promise<string> {
      const env = {
        GIT_AUTHOR_NAME: author.name,
        GIT_AUTHOR_EMAIL: author.email,
        GIT_AUTHOR_DATE: author.date,
        GIT_COMMITTER_NAME: committer.name,
        GIT_COMMITTER_EMAIL: committer.email,
        GIT_COMMITTER_DATE: committer.date,
      };
      // From its input git takes the message as it is; of `-m` it would end the last line.
      return git(["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent])], message, env);
    },
  };
}
