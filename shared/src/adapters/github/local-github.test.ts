import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import { limitsOff } from "../../pacing/limits.ts";
import { codeHostContract } from "../../testing/code-host.contract.ts";
import { createMemoryPacing } from "../memory/memory-pacing.ts";
import { createGitHubRequestCounters } from "./testing/request-counters.ts";
import { codeHostByKey } from "./testing/code-host-by-key.ts";
import type { GitHubAppOptions } from "./token-mint.ts";

const clock = { now: () => new Date() };
const root = await mkdtemp(join(tmpdir(), "octobatch-github-"));
afterAll(() => rm(root, { recursive: true, force: true }));

async function startAcme(): Promise<LocalGitHub> {
  const github = await startGitHub({ directory: await mkdtemp(join(root, "repositories-")), validate: true });
  await github.addOrganization("acme");
  for (const login of ["ana", "bo"]) github.addUser(login);
  github.addTeam("acme", "core", ["ana"]);
  return github;
}

function codeHostOf({ apiUrl, app }: LocalGitHub, options: Partial<GitHubAppOptions> = {}) {
  return codeHostByKey({
    apiUrl,
    appId: String(app.id),
    privateKey: app.privateKey,
    clock,
    timeoutMs: 10_000,
    sleep: async () => {},
    ...options,
  });
}

async function close(github: LocalGitHub): Promise<void> {
  const violations = github.violations();
  await github.close();
  expect(violations).toEqual([]);
}

codeHostContract("GitHub", async () => {
  const github = await startAcme();
  return {
    codeHost: codeHostOf(github),
    async addRepository({ name, files, isArchived = false, isFork = false, lockReason, ...rest }) {
      await github.addRepository({
        ...rest,
        owner: "acme",
        name,
        ...(files ? { files } : { empty: true }),
        archived: isArchived,
        fork: isFork,
        ...(lockReason && { locked: "MIGRATING" }),
      });
      github.addCollaborator(`acme/${name}`, "ana");
      github.addTeamRepository("acme", "core", `acme/${name}`);
    },
    pushAsHuman: (repository, branch, files) => github.pushCommit(`acme/${repository}`, { branch, files, as: "ana" }),
    async fileAt(repository, revision, path) {
      const { git } = github.repository(`acme/${repository}`);
      const commit = await git.commit(revision);
      const entry = commit && (await git.entryAt(commit.tree, path));
      const blob = entry && (await git.read(entry.oid));
      return entry && blob?.type === "blob" ? { mode: entry.mode, content: blob.content } : undefined;
    },
    rename: (repository, name) => github.rename(`acme/${repository}`, name),
    archive: (repository) => github.archive(`acme/${repository}`),
    async protectBranch(repository, branch) {
      github.setBranchProtection(`acme/${repository}`, branch, { blocksCreation: true });
    },
    merge: async (repository, number) => void (await github.mergePullRequest(`acme/${repository}`, number)),
    suspend: (account) => github.suspend(account),
    freezeCodeIndex: async () => github.codeIndex.freeze(),
    close: () => close(github),
  };
});

const run = promisify(execFile);

/** What git lists of a repository with a token, as a checkout would ask for it. */
async function lsRemote(url: string, token: string): Promise<string> {
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  const env = { ...process.env, GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_GLOBAL: "/dev/null" };
  return (await run("git", ["-c", `http.extraHeader=Authorization: Basic ${basic}`, "ls-remote", url], { env })).stdout;
}

describe("over real git, GitHub", () => {
  test("lets git read a repository with its token, and no other one", async () => {
    const github = await startAcme();
    await github.addRepository({ owner: "acme", name: "api" });
    await github.addRepository({ owner: "acme", name: "web" });
    const codeHost = codeHostOf(github);
    const { repositories } = await codeHost.organizationPage({ organization: "acme", files: [] });
    const [api] = repositories;
    if (!api?.branch) throw new Error("acme/api was not found");
    const { url, token } = await codeHost.gitAccess(api);
    expect(await lsRemote(url, token)).toContain(`${api.branch.commit}\trefs/heads/main`);
    const other = url.replace("/api.git", "/web.git");
    await expect(lsRemote(other, token)).rejects.toThrow(/not found|403|404/i);
    const ofAll = await codeHost.gitAccess(api, { reach: "account" });
    expect(await lsRemote(other, ofAll.token)).toContain("refs/heads/main");
    const basic = Buffer.from(`x-access-token:${ofAll.token}`).toString("base64");
    const headers = { authorization: `Basic ${basic}` };
    expect((await fetch(`${other}/info/refs?service=git-receive-pack`, { headers })).status).toBe(403);
    await close(github);
  });

  test("goes on after its tokens were revoked, and says so once the App was uninstalled", async () => {
    const github = await startAcme();
    await github.addRepository({ owner: "acme", name: "api" });
    const codeHost = codeHostOf(github);
    const query = { organization: "acme", files: [] };
    await codeHost.organizationPage(query);
    github.revokeTokens("acme");
    expect((await codeHost.organizationPage(query)).repositories).toHaveLength(1);
    await github.uninstall("acme");
    await expect(codeHost.organizationPage(query)).rejects.toMatchObject({ kind: "not-installed" });
    await close(github);
  });

  test("works where limits are off and nothing is said of them, as on Enterprise Server", async () => {
    const github = await startAcme();
    github.setLimits("ghes");
    await github.addRepository({ owner: "acme", name: "api" });
    const codeHost = codeHostOf(github, { pacing: createMemoryPacing(limitsOff()) });
    const { repositories } = await codeHost.organizationPage({ organization: "acme", files: [] });
    expect(repositories).toMatchObject([{ name: "api" }]);
    await close(github);
  });

  test("asks for what has not changed without paying for it", async () => {
    const github = await startAcme();
    await github.addRepository({ owner: "acme", name: "api" });
    const counters = createGitHubRequestCounters();
    const codeHost = codeHostOf(github, { onRequest: counters.record });
    const [repository] = (await codeHost.organizationPage({ organization: "acme", files: [] })).repositories;
    if (!repository?.branch) throw new Error("acme/api was not found");
    const remaining = () => counters.budgets().find(({ installation }) => /^\d+$/.test(installation))?.remaining;
    expect(await codeHost.branchHead(repository, "main")).toBe(repository.branch.commit);
    const before = remaining();
    expect(before).toBeGreaterThan(0);
    expect(await codeHost.branchHead(repository, "main")).toBe(repository.branch.commit);
    expect(remaining()).toBe(before);
    const pushed = await github.pushCommit("acme/api", { branch: "main", files: { b: "" } });
    expect(await codeHost.branchHead(repository, "main")).toBe(pushed);
    await close(github);
  });

  test("names the permission that the App lacks for what a campaign changes", async () => {
    const github = await startAcme();
    await github.addRepository({ owner: "acme", name: "api" });
    const codeHost = codeHostOf(github);
    const { repositories } = await codeHost.organizationPage({ organization: "acme", files: [] });
    const [repository] = repositories;
    if (!repository?.branch) throw new Error("acme/api was not found");
    const commitOf = (path: string) =>
      codeHost.createCommit(repository, {
        parent: repository.branch?.commit ?? "",
        changes: [{ path, kind: "write", mode: "100644", content: Buffer.from("on: push\n") }],
        message: "Change",
        author: { name: "Octobatch", email: "octobatch@example.com" },
        at: clock.now(),
      });

    await expect(commitOf(".github/workflows/ci.yml")).rejects.toMatchObject({
      kind: "missing-permission",
      message: expect.stringContaining(
        `does not grant the permission "workflows: write". Add it to the App's permissions if it is not among them, and ` +
          `let an owner of acme accept it at ${github.url}/organizations/acme/settings/installations/`,
      ),
    });

    github.requestPermissions({ ...github.app.permissions, workflows: "write" });
    await github.acceptPermissions("acme");
    const { commit: to } = await commitOf(".github/workflows/ci.yml");
    await codeHost.moveBranch(repository, { branch: "campaign/1", from: undefined, to });
    expect(await codeHost.branchHead(repository, "campaign/1")).toBe(to);

    github.setPermissions("acme", { contents: "read", pull_requests: "write" });
    await expect(commitOf("a")).rejects.toMatchObject({
      kind: "missing-permission",
      message: expect.stringContaining('"contents: write"'),
    });
    await close(github);
  });

  describe("of a commit with more files than GitHub lists at once", () => {
    const files = Object.fromEntries(
      ["", "a/", "a/b/", "c/d/", "e/"].flatMap((folder) => [
        [`${folder}go.mod`, ""],
        [`${folder}main.go`, ""],
      ]),
    );
    const found = ["a/b/go.mod", "a/go.mod", "c/d/go.mod", "e/go.mod", "go.mod"];

    async function findModules(mostEntries: number) {
      const github = await startAcme();
      await github.addRepository({ owner: "acme", name: "mono", files });
      github.trees.entries = mostEntries;
      const codeHost = codeHostOf(github);
      const [mono] = (await codeHost.organizationPage({ organization: "acme", files: [] })).repositories;
      if (!mono?.branch) throw new Error("acme/mono was not found");
      const answer = codeHost.findFiles(mono, { commit: mono.branch.commit, name: "go.mod" });
      const settled = await answer.catch((error: unknown) => error);
      const listings = github.requests.filter(({ operationId }) => operationId === "git/get-tree");
      await close(github);
      return { settled, listings: listings.length };
    }

    test("finds all of them, folder by folder where it has to", async () => {
      expect(await findModules(100)).toEqual({ settled: found, listings: 1 });
      // The root twice, then its three folders.
      expect(await findModules(5)).toEqual({ settled: found, listings: 5 });
    });

    test("says when even one folder is not shown whole", async () => {
      const { settled } = await findModules(4);
      expect(settled).toMatchObject({ kind: "invalid", message: expect.stringContaining("does not show all") });
    });
  });

  test("lists more repositories than one page holds, each once", async () => {
    const github = await startAcme();
    for (let index = 0; index < 105; index += 1) {
      await github.addRepository({ owner: "acme", name: `r${index}`, files: { a: "" } });
    }
    // A page that takes too long would be asked for by halves.
    const codeHost = codeHostOf(github, { timeoutMs: 60_000 });
    const first = await codeHost.organizationPage({ organization: "acme", files: ["a"] });
    expect(first.repositories).toHaveLength(100);
    const cursor = first.nextCursor ?? "";
    const second = await codeHost.organizationPage({ organization: "acme", files: ["a"], cursor });
    expect(second).not.toHaveProperty("nextCursor");
    const names = [...first.repositories, ...second.repositories].map(({ name }) => name);
    expect(new Set(names).size).toBe(105);
    await close(github);
  });
});
