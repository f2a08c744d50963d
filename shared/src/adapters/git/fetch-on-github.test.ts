import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { codeHostByKey } from "#shared/adapters/github/testing/code-host-by-key.ts";
import { createOutboundAgents } from "#shared/adapters/github/outbound-fetch.ts";
import { runCommand } from "#shared/adapters/process/run-command.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import type { CodeHost } from "#shared/ports/code-host.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { openArtifactsWorld, type ArtifactsWorld } from "#shared/testing/artifacts-world.ts";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import { fetchBase } from "./fetch-base.ts";
import { createSourceCache, type Sources } from "./source-cache.ts";
import { createTrustedRepository } from "./trusted-repository.ts";

type Source = TransformJob["source"];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-fetch-"));
  await mkdir(join(directory, "incoming"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("from GitHub", () => {
  let github: LocalGitHub;
  let codeHost: CodeHost;
  beforeEach(async () => {
    github = await startGitHub({ directory: join(directory, "github"), validate: true });
    await github.addOrganization("acme");
    for (const name of ["api", "web"]) await github.addRepository({ owner: "acme", name, files: { a: name } });
    const { apiUrl, app } = github;
    const key = { appId: String(app.id), privateKey: app.privateKey };
    codeHost = codeHostByKey({ ...key, apiUrl, clock: systemClock, timeoutMs: 30_000 });
  });
  afterEach(() => github.close());

  const open = (): Sources =>
    createSourceCache({
      directory: join(directory, "sources"),
      incoming: join(directory, "incoming"),
      limitBytes: 1 << 30,
      access: ({ repositoryId: id, repositoryNodeId: nodeId, owner, name }, refused) =>
        codeHost.gitAccess({ id, nodeId, owner, name }, { reach: "account", refused }),
      way: { agents: createOutboundAgents({}), silentMs: 10_000 },
      run: (command) => runCommand(command),
    });

  async function sourceOf(name: string): Promise<Source> {
    const { id, nodeId, git } = github.repository(`acme/${name}`);
    const commit = (await git.refOid("refs/heads/main")) ?? "";
    return { repositoryId: id, repositoryNodeId: nodeId, owner: "acme", name, branch: "main", commit };
  }

  let places = 0;
  async function bring(sources: Sources, source: Source): Promise<void> {
    const place = join(directory, `repository-${(places += 1)}`);
    const { baseTree } = await sources.bring(source, place, new AbortController().signal);
    expect(baseTree).toBe((await github.repository(`acme/${source.name}`).git.commit(source.commit))?.tree);
  }

  /** What GitHub was asked since, but for finding the installation. */
  function asked(since: number): readonly string[] {
    const requests = github.requests.slice(since).map(({ method, path }) => `${method} ${path}`);
    return requests
      .filter((request) => !request.endsWith("/installation"))
      .map((request) => request.replace(/\/\d+\//, "/N/"))
      .toSorted();
  }

  const mint = "POST /api/v3/app/installations/N/access_tokens";

  test("repositories cost a request each, and together a token", async () => {
    const sources = open();
    const since = github.requests.length;
    for (const name of ["api", "web"]) await bring(sources, await sourceOf(name));
    await github.pushCommit("acme/api", { branch: "main", files: { b: "more" } });
    await bring(sources, await sourceOf("api"));
    const uploads = ["api", "api", "web"].map((name) => `POST /acme/${name}.git/git-upload-pack`);
    expect(asked(since)).toEqual([...uploads, mint]);
    const again = github.requests.length;
    for (const name of ["api", "web"]) await bring(open(), await sourceOf(name));
    expect(asked(again)).toEqual([]);
  });

  test("a token that was revoked meanwhile is replaced", async () => {
    const sources = open();
    await bring(sources, await sourceOf("api"));
    github.revokeTokens("acme");
    const since = github.requests.length;
    await bring(sources, await sourceOf("web"));
    const upload = "POST /acme/web.git/git-upload-pack";
    expect(asked(since)).toEqual([upload, upload, mint]);
  });

  test("a repository that has another name now is said to have moved", async () => {
    const source = await sourceOf("api");
    await github.rename("acme/api", "service");
    await expect(bring(open(), source)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining("has moved"),
    });
  });
});

describe("through the artifacts function", () => {
  let world: ArtifactsWorld;
  beforeEach(async () => {
    world = await openArtifactsWorld();
  });
  afterEach(() => world.close());

  const fetched = (token: string, commit = world.execution.baseCommit): Promise<string> => {
    const gitDirectory = join(directory, "repository");
    createTrustedRepository(gitDirectory);
    const access = { url: `${world.jobUrl}/source.git`, token, isOurs: true } as const;
    return fetchBase({ gitDirectory, access, commit, timeoutMs: 60_000, run: (command) => runCommand(command) });
  };

  test("a Job has its base commit by one request", async () => {
    const { baseCommit } = world.execution;
    const { git } = world.github.repository("acme/api");
    expect(await fetched(world.token("source"))).toBe((await git.commit(baseCommit))?.tree);
    expect(world.gitRequests()).toEqual(["POST /acme/api.git/git-upload-pack"]);
  });

  test("a Job is told why it has none", async () => {
    await expect(fetched(world.token("upload"))).rejects.toMatchObject({ retryable: false, status: 403 });
    await expect(fetched(world.token("source"), "a".repeat(40))).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining("force push"),
    });
  });
});
