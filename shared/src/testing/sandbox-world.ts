import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { decodeChanges } from "#shared/execution/changes.ts";
import {
  parseTransformResult,
  type TransformOutcome,
  type TransformResult,
} from "#shared/execution/transform-result.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { FileChange } from "#shared/ports/code-host.ts";
import type { SandboxLimits, SandboxStep, TransformJob } from "#shared/ports/sandbox.ts";
import { startGitServer, type GitServer } from "./git-server.ts";

const runFile = promisify(execFile);

/** What stands around a sandbox in a test: a git server with repositories, a blob store, secrets, and who hears reports. */
export interface SandboxWorld {
  /** Readable by everybody, gone after the test; on the machine that runs the test. */
  readonly directory: string;
  readonly server: GitServer;
  readonly blobs: BlobStore;
  readonly secrets: Map<string, string>;
  readonly reports: string[];
  readonly codeHost: { gitAccess(repository: { readonly name: string }): Promise<{ url: string; token: string }> };
  readonly reported: (job: Pick<TransformJob, "executionId">) => Promise<void>;
  /** Resolves when the execution has been reported. */
  report(executionId: string): Promise<void>;
  /** Makes a repository of the files that the shell script leaves in its working directory. */
  addRepository(name: string, script: string): Promise<TransformJob["source"]>;
  result(job: TransformJob): Promise<TransformResult>;
  /** All of a step's log. */
  log(result: TransformResult, step?: number): Promise<string>;
  /** What came out, with the patch and the changes. @throws Error when it was no patch. */
  patch(result: TransformResult): Promise<PatchOutcome & { text: string; contents: FileChange[] }>;
  /** Makes a commit of the raw bytes of a tree, whatever they say. */
  commitTree(name: string, tree: Buffer): Promise<string>;
  /** Runs git in a bare repository, as a person would. */
  git(name: string, ...argv: string[]): Promise<string>;
  close(): Promise<void>;
}
type PatchOutcome = TransformOutcome & { status: "patch" };

export async function openSandboxWorld(): Promise<SandboxWorld> {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-sandbox-"));
  await chmod(directory, 0o755);
  const server = await startGitServer(directory);
  const blobs = createMemoryBlobStore();
  const reports: string[] = [];
  const waiting = new Map<string, () => void>();
  const git = async (name: string, ...argv: string[]): Promise<string> => {
    const { stdout } = await runFile("git", ["-C", join(directory, `${name}.git`), ...argv], {
      env: gitEnvironment,
      maxBuffer: 64 << 20,
    });
    return stdout;
  };
  return {
    directory,
    server,
    blobs,
    reports,
    git,
    secrets: new Map(),
    async commitTree(name, tree) {
      const file = join(directory, `${name}.tree`);
      await writeFile(file, tree);
      const id = (await git(name, "hash-object", "-t", "tree", "-w", "--literally", file)).trim();
      return (await git(name, "commit-tree", "-m", "made by hand", id)).trim();
    },
    codeHost: {
      gitAccess: ({ name }) => Promise.resolve({ url: `${server.url}/${name}.git`, token: server.token }),
    },
    reported({ executionId }) {
      reports.push(executionId);
      waiting.get(executionId)?.();
      return Promise.resolve();
    },
    report: (executionId) =>
      reports.includes(executionId) ? Promise.resolve() : new Promise((resolve) => waiting.set(executionId, resolve)),
    async addRepository(name, script) {
      const workTree = join(directory, `${name}.files`);
      await mkdir(workTree);
      const commands = `git init --quiet --initial-branch=main
echo '* -text -filter -ident' > .git/info/attributes
(${script}
) >&2
git add --all --force && git commit --quiet --allow-empty --message=base
git clone --quiet --bare . ../${name}.git`;
      await runFile("bash", ["-euc", commands], { cwd: workTree, env: gitEnvironment });
      const commit = (await git(name, "rev-parse", "HEAD")).trim();
      return { repositoryId: 1, repositoryNodeId: "R_1", owner: "acme", name, branch: "main", commit };
    },
    result: async (job) => parseTransformResult(await blobs.get(`${job.artifactPrefix}/result.json`)),
    async log(result, step = 0) {
      const key = result.steps[step]?.logKey;
      return key === undefined ? "" : Buffer.from(await blobs.get(key)).toString("utf8");
    },
    async patch({ outcome }) {
      if (outcome.status !== "patch") throw new Error(`Not a patch: ${JSON.stringify(outcome)}`);
      const text = Buffer.from(await blobs.get(outcome.patch.key)).toString("latin1");
      return { ...outcome, text, contents: decodeChanges(await blobs.get(outcome.changes.key)) };
    },
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const gitEnvironment = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  LC_ALL: "C",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
  GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
};

/** A source for jobs that are never run: there is no such repository. */
export const aSource: TransformJob["source"] = {
  repositoryId: 1,
  repositoryNodeId: "R_1",
  owner: "acme",
  name: "api",
  branch: "main",
  commit: "a".repeat(40),
};

let executions = 0;

/** A job of these steps; a string is a step that runs it. */
export function aJob(
  source: TransformJob["source"],
  steps: readonly (string | (Partial<SandboxStep> & Pick<SandboxStep, "run">))[],
  limits: Partial<SandboxLimits> = {},
): TransformJob {
  executions += 1;
  const executionId = `execution-${executions}`;
  return {
    executionId,
    attempt: 1,
    artifactPrefix: `campaign/1/repository/${executionId}`,
    source,
    workspace: { path: "", onlyFetch: false },
    campaign: { name: "licence", description: "Pins the licence." },
    steps: steps.map((step) => ({
      image: "alpine:3",
      env: {},
      files: {},
      outputs: {},
      timeoutMs: 30_000,
      ...(typeof step === "string" ? { run: step } : step),
    })),
    networks: [],
    limits: {
      memoryBytes: 512 << 20,
      processes: 64,
      diskBytes: 64 << 20,
      logBytes: 1 << 20,
      patchBytes: 8 << 20,
      ...limits,
    },
  };
}

/** The tree that a patch makes of its base, by `git apply`. */
export async function treeOfPatch(world: SandboxWorld, source: TransformJob["source"], patch: string): Promise<string> {
  const index = join(world.directory, `apply-${executions}.index`);
  const file = join(world.directory, `apply-${executions}.diff`);
  await writeFile(file, patch, "latin1");
  return treeAfter(world, source, index, ["apply", "--cached", "--whitespace=nowarn", file]);
}

/** The tree that the changes make of the base, written blob by blob as publishing does. */
export async function treeOfChanges(
  world: SandboxWorld,
  source: TransformJob["source"],
  changes: readonly FileChange[],
): Promise<string> {
  const repository = join(world.directory, `${source.name}.git`);
  const lines: string[] = [];
  for (const [index, change] of changes.entries()) {
    if (change.kind === "delete") {
      lines.push(`0 ${"0".repeat(40)}\t${change.path}`);
      continue;
    }
    const file = join(world.directory, "blobs", String(index));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, change.content);
    const { stdout } = await runFile("git", ["-C", repository, "hash-object", "-w", "--no-filters", file], {
      env: gitEnvironment,
    });
    lines.push(`${change.mode} ${stdout.trim()}\t${change.path}`);
  }
  const info = join(world.directory, `changes-${executions}.info`);
  await writeFile(info, lines.map((line) => `${line}\0`).join(""));
  const index = join(world.directory, `changes-${executions}.index`);
  return treeAfter(world, source, index, ["update-index", "-z", "--index-info"], info);
}

async function treeAfter(
  world: SandboxWorld,
  source: TransformJob["source"],
  index: string,
  argv: readonly string[],
  input = "/dev/null",
): Promise<string> {
  const script = `git read-tree "$1"; input=$2; shift 2; git "$@" <"$input"; git write-tree`;
  const { stdout } = await runFile("bash", ["-euc", script, "bash", source.commit, input, ...argv], {
    cwd: join(world.directory, `${source.name}.git`),
    env: { ...gitEnvironment, GIT_INDEX_FILE: index },
  });
  return stdout.trim();
}
