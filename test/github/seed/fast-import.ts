import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { SeedCommit } from "./history.ts";
import type { PackageFile } from "./packages.ts";

interface BareRepository {
  readonly directory: string;
  readonly defaultBranch: string;
  /** Oldest first; none makes an empty repository. */
  readonly commits: readonly SeedCommit[];
  /** The content of a file, or the target of a symlink. */
  readonly content: (file: PackageFile) => Promise<Buffer>;
}

/** The machine's own git settings must not change a SHA. */
const GIT_ENVIRONMENT = { ...process.env, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };

/**
 * Makes a bare repository with one `git fast-import`, in place of whatever is in its directory.
 *
 * @throws Error with what git said when it fails.
 */
export async function writeBareRepository(repository: BareRepository): Promise<void> {
  const { directory, defaultBranch, commits } = repository;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await git(["init", "--quiet", "--bare", "--template=", `--initial-branch=${defaultBranch}`, directory], []);
  if (commits.length === 0) return;
  const fastImport = ["-C", directory, "-c", "core.fsync=none", "-c", "fastimport.unpackLimit=0", "fast-import"];
  await git([...fastImport, "--quiet", "--done"], importStream(repository));
}

/** The commits in the format of git-fast-import(1). */
async function* importStream({ defaultBranch, commits, content }: BareRepository): AsyncGenerator<Buffer> {
  for (const { author, at, message, files } of commits) {
    const identity = `${author.name} <${author.email}> ${at.getTime() / 1000} +0000`;
    yield Buffer.from(`commit refs/heads/${defaultBranch}\nauthor ${identity}\ncommitter ${identity}\n`);
    yield dataOf(Buffer.from(`${message}\n`));
    for (const file of files) {
      yield Buffer.from(`M ${file.mode} inline ${quotePath(file.path)}\n`);
      yield dataOf(await content(file));
    }
  }
  yield Buffer.from("done\n");
}

function dataOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n")]);
}

/** A path in C style quotes, as fast-import reads those with a quote, a backslash or a line break in them. */
function quotePath(path: string): string {
  return `"${path.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`)}"`;
}

async function git(args: readonly string[], input: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
  const child = spawn("git", args, { env: GIT_ENVIRONMENT, stdio: ["pipe", "ignore", "pipe"] });
  const [fed, closed, said] = await Promise.allSettled([
    pipeline(input, child.stdin),
    once(child, "close"),
    text(child.stderr),
  ]);
  // What git said comes first: when it dies early, feeding it only finds a broken pipe.
  const cause = closed.status === "rejected" ? closed.reason : fed.status === "rejected" ? fed.reason : undefined;
  if (cause !== undefined || child.exitCode !== 0) {
    const words = said.status === "fulfilled" ? said.value.trim() : "";
    throw new Error(`git ${args.join(" ")} failed: ${words}`, { cause });
  }
}
