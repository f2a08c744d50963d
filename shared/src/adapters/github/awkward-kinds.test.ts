import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import { planCommit } from "../../changeset/plan-commit.ts";
import { changedFilesOf } from "../../execution/changed-file.ts";
import type { CodeHost, RepositorySnapshot } from "../../ports/code-host.ts";
import { aJob, openSandboxWorld, type SandboxWorld } from "../../testing/sandbox-world.ts";
import { createProcessSandbox } from "../process/process-sandbox.ts";
import { systemClock } from "../system/system-clock.ts";
import { awkwardKinds, type AwkwardKind } from "./testing/awkward-kinds.ts";
import { codeHostByKey } from "./testing/code-host-by-key.ts";

const run = promisify(execFile);
const env = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
};
const signature = {
  message: "Change it",
  author: { name: "Octobatch", email: "octobatch@example.com" },
  at: new Date("2030-01-02T03:04:05Z"),
};

let world: SandboxWorld;
let github: LocalGitHub;
let codeHost: CodeHost;
let sandbox: ReturnType<typeof createProcessSandbox>;

beforeAll(async () => {
  world = await openSandboxWorld();
  github = await startGitHub({ directory: join(world.directory, "github"), validate: true });
  await github.addOrganization("acme");
  const { apiUrl, app } = github;
  const { privateKey } = app;
  codeHost = codeHostByKey({ apiUrl, appId: String(app.id), privateKey, clock: systemClock, timeoutMs: 30_000 });
  sandbox = createProcessSandbox({
    codeHost,
    blobs: world.blobs,
    reported: world.reported,
    secrets: () => undefined,
    workDirectory: join(world.directory, "work"),
    slots: 1,
    clock: systemClock,
    // What git makes of the files is the same in every sandbox; here it has to run everywhere.
    isolation: "none",
  });
});
afterAll(close);

async function close(): Promise<void> {
  await sandbox.close();
  const violations = github.violations();
  await github.close();
  await world.close();
  expect(violations).toEqual([]);
}

/** Runs a script in the bare repository, with an index of its own. */
async function inRepository(name: string, script: string, ...parameters: string[]): Promise<string> {
  const cwd = github.repository(`acme/${name}`).git.directory;
  const options = { cwd, env: { ...env, GIT_INDEX_FILE: join(world.directory, `${name}.index`) } };
  return (await run("bash", ["-euc", script, "bash", ...parameters], options)).stdout.trim();
}

async function addRepository(name: string, { base }: AwkwardKind): Promise<RepositorySnapshot> {
  await github.addRepository({ owner: "acme", name });
  const workTree = join(world.directory, `${name}.files`);
  await mkdir(workTree);
  const script = `git init --quiet --initial-branch=main
echo '* -text -filter -ident -working-tree-encoding' > .git/info/attributes
(${base}
) >&2
git add --all --force && git commit --quiet --message=base
git push --quiet --force "$1" main`;
  await run("bash", ["-euc", script, "bash", github.repository(`acme/${name}`).git.directory], { cwd: workTree, env });
  const query = { organization: "acme", repositories: [{ name }], files: [] };
  const [repository] = (await codeHost.findRepositories(query)).repositories;
  if (repository === undefined) throw new Error(`acme/${name} was not found`);
  return repository;
}

/** What the change comes to in the sandbox. */
async function transformed(repository: RepositorySnapshot, { change }: AwkwardKind) {
  const { id, nodeId, owner, name } = repository;
  const commit = repository.branch?.commit ?? "";
  const source = { repositoryId: id, repositoryNodeId: nodeId, owner, name, branch: "main", commit };
  const job = aJob(source, [change], { patchBytes: 50 << 20 });
  await sandbox.start(job);
  await world.report(job.executionId);
  return { parent: commit, ...(await world.patch(await world.result(job))) };
}

/** The tree that `git apply` makes of the base. */
async function treeApplied(name: string, parent: string, patch: string): Promise<string> {
  const file = join(world.directory, `${name}.diff`);
  await writeFile(file, patch, "latin1");
  const apply = 'git apply --cached --whitespace=nowarn "$2"';
  return inRepository(
    name,
    `git read-tree "$1"; ${apply.replace("--cached", "--cached --check")}; ${apply}; git write-tree`,
    parent,
    file,
  );
}

type Draft = Parameters<CodeHost["pushCommit"]>[1];

/** Each way points a branch of its name at the commit that it makes. */
const publishBy = {
  async push(repository: RepositorySnapshot, draft: Draft): Promise<string> {
    return (await codeHost.pushCommit(repository, draft, { branch: "push", from: undefined })).commit;
  },
  async api(repository: RepositorySnapshot, draft: Draft): Promise<string> {
    const { commit } = await codeHost.createCommit(repository, draft);
    await codeHost.moveBranch(repository, { branch: "api", from: undefined, to: commit });
    return commit;
  },
};

describe("a repository with", () => {
  test.each(awkwardKinds.map((each, index) => [each.kind, `kind-${index}`, each] as const))(
    "%s: its patch is one that git applies, and it is published as the same tree",
    async (_, name, kind) => {
      const repository = await addRepository(name, kind);
      const { parent, tree, text, contents: changes, statistics } = await transformed(repository, kind);
      expect(await treeApplied(name, parent, text)).toBe(tree);

      const way = planCommit(changes, statistics.files);
      expect(way.kind).toBe(kind.way);
      const draft = { ...signature, parent, changes, tree };
      const commits = [await publishBy.push(repository, draft)];
      if (way.kind === "api") commits.push(await publishBy.api(repository, draft));
      expect(new Set(commits).size).toBe(1);
      expect(await inRepository(name, "git rev-parse push^{tree} push^")).toBe(`${tree}\n${parent}`);
      expect(await inRepository(name, "git fsck --strict --no-dangling push 2>&1 || true")).not.toMatch(/error/);

      const searchable = changedFilesOf(Buffer.from(text, "latin1"), statistics.files);
      expect(searchable.filter(({ truncated }) => truncated)).toEqual([]);
      expect(searchable.map(({ added }) => added.length)).toEqual(statistics.files.map(({ additions }) => additions));
    },
  );
});
