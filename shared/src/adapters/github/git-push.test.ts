import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import { limitsOff } from "../../pacing/limits.ts";
import type { CodeHost, FileChange, RepositorySnapshot } from "../../ports/code-host.ts";
import type { PacedRequest, Pacing } from "../../ports/pacing.ts";
import { createMemoryPacing } from "../memory/memory-pacing.ts";
import { gitOnThisMachine } from "../process/git-tools.ts";
import { systemClock } from "../system/system-clock.ts";
import type { GitTools } from "./git-push.ts";
import { codeHostByKey } from "./testing/code-host-by-key.ts";

const branch = "campaign/1/api";

let directory: string;
let scratch: string;
let github: LocalGitHub;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-git-push-"));
  scratch = await mkdtemp(join(directory, "scratch-"));
  github = await startGitHub({ directory: join(directory, "github"), validate: true });
  await github.addOrganization("acme");
  await github.addRepository({ owner: "acme", name: "api", files: { a: "old" } });
});
afterEach(async () => {
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

function codeHostWith(given: { readonly pacing?: Pacing; readonly git?: GitTools } = {}): CodeHost {
  const { apiUrl, app } = github;
  const git = { ...gitOnThisMachine(), directory: scratch };
  const options = { apiUrl, appId: String(app.id), privateKey: app.privateKey, clock: systemClock, timeoutMs: 30_000 };
  return codeHostByKey({ ...options, git, ...given });
}

/** The repository, and how to push a change of a file to it. */
async function prepared(codeHost: CodeHost, path = "a", name = "api") {
  const query = { organization: "acme", repositories: [{ name }], files: [] };
  const [repository] = (await codeHost.findRepositories(query)).repositories;
  if (repository?.branch === undefined) throw new Error(`acme/${name} was not found`);
  const changes: readonly FileChange[] = [{ kind: "write", path, mode: "100644", content: Buffer.from("new") }];
  const author = { name: "Octobatch", email: "octobatch@example.com" };
  const draft = { parent: repository.branch.commit, changes, message: "Change it", author, at: new Date(0) };
  return { repository, draft };
}

async function push(codeHost: CodeHost, { repository, draft }: Awaited<ReturnType<typeof prepared>>): Promise<string> {
  const { tree } = await codeHost.createCommit(repository, draft);
  return (await codeHost.pushCommit(repository, { ...draft, tree }, { branch, from: undefined })).commit;
}

const headOf = (codeHost: CodeHost, repository: RepositorySnapshot) => codeHost.branchHead(repository, branch);

test("a push leaves nothing on the disk, whether it went well or not", async () => {
  const codeHost = codeHostWith();
  const ready = await prepared(codeHost);
  await push(codeHost, ready);
  expect(await readdir(scratch)).toEqual([]);
  const other = { ...ready.draft, tree: "0".repeat(40) };
  await expect(codeHost.pushCommit(ready.repository, other, { branch, from: undefined })).rejects.toThrow(/made tree/);
  expect(await readdir(scratch)).toEqual([]);
});

test("a push sends what is new alone, also when the branches have moved on from the base", async () => {
  const trace = join(directory, "trace.json");
  const { run, ...tools } = gitOnThisMachine();
  const traced: GitTools["run"] = (command) =>
    run({ ...command, environment: { ...command.environment, GIT_TRACE2_EVENT: trace } });
  const codeHost = codeHostWith({ git: { ...tools, run: traced } });
  // What a repository was shown before, it would not be sent again: the tree is made in another one.
  await github.addRepository({ owner: "acme", name: "twin", files: { a: "old" } });
  const twin = await prepared(codeHost, "a", "twin");
  const { tree } = await codeHost.createCommit(twin.repository, twin.draft);
  const { repository, draft } = await prepared(codeHost);
  await github.pushCommit("acme/api", { branch: "main", files: { later: "1" } });
  await codeHost.pushCommit(repository, { ...draft, tree }, { branch, from: undefined });
  const written = (await readFile(trace, "utf8")).match(/"write_pack_file\/wrote","value":"(\d+)"/g);
  // The commit, its tree, the file.
  expect(written).toEqual(['"write_pack_file/wrote","value":"3"']);
});

test("a push goes on with another token after its own was revoked", async () => {
  const codeHost = codeHostWith();
  const ready = await prepared(codeHost);
  const first = await push(codeHost, ready);
  github.revokeTokens("acme");
  await codeHost.findRepositories({ organization: "acme", repositories: [], files: [] });
  expect(await push(codeHost, ready)).toBe(first);
});

test("a push takes its turn as new content, and waits for it", async () => {
  const taken: PacedRequest[] = [];
  const memory = createMemoryPacing(limitsOff());
  const until = new Date("2100-01-01T00:00:00Z");
  let isFull = false;
  const pacing: Pacing = {
    ...memory,
    take(installation, request, now) {
      taken.push(request);
      if (isFull && request.createsContent) return Promise.resolve({ kind: "wait", until, because: "it is full" });
      return memory.take(installation, request, now);
    },
  };
  const codeHost = codeHostWith({ pacing });
  const ready = await prepared(codeHost);
  isFull = true;
  await expect(push(codeHost, ready)).rejects.toMatchObject({ name: "CodeHostBusy", retryAt: until });
  expect(await headOf(codeHost, ready.repository)).toBeUndefined();
  isFull = false;
  await push(codeHost, ready);
  expect(taken.filter(({ createsContent }) => createsContent)).toMatchObject([{ kind: "write" }, { kind: "write" }]);
});

test("a push of a workflow names the permission that the App lacks", async () => {
  const codeHost = codeHostWith();
  const ready = await prepared(codeHost, ".github/workflows/ci.yml");
  const draft = { ...ready.draft, tree: "0".repeat(40) };
  const refused = codeHost.pushCommit(ready.repository, draft, { branch, from: undefined });
  await expect(refused).rejects.toMatchObject({
    kind: "missing-permission",
    message: expect.stringMatching(/workflows/i),
  });
});

test("a push to a repository whose name another one has now is refused before anything is fetched", async () => {
  const codeHost = codeHostWith();
  const { repository, draft } = await prepared(codeHost);
  await github.rename("acme/api", "old-api");
  await github.addRepository({ owner: "acme", name: "api", files: { a: "another" } });
  const tree = "0".repeat(40);
  const refused = codeHost.pushCommit(repository, { ...draft, tree }, { branch, from: undefined });
  await expect(refused).rejects.toMatchObject({ kind: "not-found" });
});
