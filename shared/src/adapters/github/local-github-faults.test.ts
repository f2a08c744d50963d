import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fault } from "#test/github/faults/faults.ts";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import { BranchMoved, CodeHostUnavailable, PullRequestExists, type CodeHost } from "../../ports/code-host.ts";
import { codeHostByKey } from "./testing/code-host-by-key.ts";

const clock = { now: () => new Date() };
const branch = "campaign/1";
let directory: string;
let github: LocalGitHub;
let codeHost: CodeHost;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-faults-"));
  github = await startGitHub({ directory });
  await github.addOrganization("acme");
  github.addUser("ana");
  await github.addRepository({ owner: "acme", name: "api", files: { a: "1\n" } });
  github.addCollaborator("acme/api", "ana");
  codeHost = codeHostByKey({
    apiUrl: github.apiUrl,
    appId: String(github.app.id),
    privateKey: github.app.privateKey,
    clock,
    timeoutMs: 2000,
    sleep: async () => {},
  });
});

afterEach(async () => {
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

/** As publishing does it: each thing is found before it is made, so that doing it again heals what was cut off. */
async function publish(): Promise<void> {
  const { repositories } = await codeHost.findRepositories({
    organization: "acme",
    repositories: [{ name: "api" }],
    files: [],
  });
  const [repository] = repositories;
  if (!repository?.branch) throw new Error("acme/api was not found");
  const { commit } = await codeHost.createCommit(repository, {
    parent: repository.branch.commit,
    changes: [{ kind: "write", path: "logo.png", mode: "100644", content: new Uint8Array([0x89, 0, 0xff]) }],
    message: "Change",
    author: { name: "Octobatch", email: "octobatch@example.com" },
    at: new Date("2030-01-02T03:04:05Z"),
  });
  const from = await codeHost.branchHead(repository, branch);
  if (from !== commit) await codeHost.moveBranch(repository, { branch, from, to: commit });
  const draft = { headBranch: branch, baseBranch: "main", title: "Change", body: "Because.", draft: false };
  const found = await codeHost.findPullRequest(repository, branch);
  const { number, labels, requestedReviewers } = found ?? (await codeHost.openPullRequest(repository, draft));
  if (!labels.includes("campaign")) await codeHost.addLabels(repository, number, ["campaign"]);
  if (!requestedReviewers.includes("ana")) {
    await codeHost.requestReviewers(repository, number, { logins: ["ana"], teams: [] });
  }
}

/** What a task does: it is tried again a few times when that may help. */
async function publishInTheEnd(triesLeft = 3): Promise<void> {
  try {
    await publish();
  } catch (error) {
    const isWorthRepeating = [CodeHostUnavailable, BranchMoved, PullRequestExists].some(
      (known) => error instanceof known,
    );
    if (triesLeft === 0 || !isWorthRepeating) throw error;
    await publishInTheEnd(triesLeft - 1);
  }
}

async function expectPublished(): Promise<void> {
  const { repositories } = await codeHost.findRepositories({
    organization: "acme",
    repositories: [{ name: "api" }],
    files: [],
  });
  const [repository] = repositories;
  if (!repository) throw new Error("acme/api was not found");
  expect(await codeHost.readPullRequest(repository, 1)).toMatchObject({
    state: "open",
    headBranch: branch,
    headCommit: await codeHost.branchHead(repository, branch),
    labels: ["campaign"],
    requestedReviewers: ["ana"],
  });
  await expect(codeHost.readPullRequest(repository, 2)).rejects.toMatchObject({ kind: "not-found" });
}

const operations = [
  "FindRepositories",
  "POST /app/installations/{installation_id}/access_tokens",
  "GET /repos/{owner}/{repo}/git/commits/{commit_sha}",
  "POST /repos/{owner}/{repo}/git/blobs",
  "POST /repos/{owner}/{repo}/git/trees",
  "POST /repos/{owner}/{repo}/git/commits",
  "GET /repos/{owner}/{repo}/git/ref/{ref}",
  "MoveBranch",
  "GET /repos/{owner}/{repo}/pulls",
  "POST /repos/{owner}/{repo}/pulls",
  "POST /repos/{owner}/{repo}/issues/{issue_number}/labels",
  "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
];

const faults: readonly (readonly [string, Fault])[] = [
  ["a 502 before the effect", { kind: "5xx" }],
  ["a 503 after the effect", { kind: "5xx", status: 503, when: "after" }],
  ["a reset after the effect", { kind: "reset", when: "after" }],
  ["a truncated answer", { kind: "truncated" }],
];

describe("a pull request is published once, as if nothing had happened, when GitHub answers with", () => {
  test.each(faults)("%s, at each request in turn", async (_, fault) => {
    for (const operation of operations) github.faults.add({ ...fault, match: { operation } });
    for (let round = 0; round < operations.length / 2; round += 1) {
      await publish().catch((error: unknown) => {
        if (!(error instanceof CodeHostUnavailable)) throw error;
      });
    }
    await publishInTheEnd();
    expect(github.faults.fired).toHaveLength(operations.length);
    await expectPublished();
  });

  test("no answer at all, when the pull request was opened", async () => {
    github.faults.add({ kind: "timeout", when: "after", match: { operation: "POST /repos/{owner}/{repo}/pulls" } });
    await publishInTheEnd();
    expect(github.faults.fired).toHaveLength(1);
    await expectPublished();
  });

  test("an unresolved node for what it has just made, a GraphQL time-out, a part of a GraphQL answer", async () => {
    github.faults.add({ kind: "unresolved-node", match: { operation: "POST /repos/{owner}/{repo}/pulls" } });
    github.faults.add({ kind: "graphql-502", match: { operation: "FindRepositories" } });
    github.faults.add({ kind: "graphql-partial", match: { graphqlField: "defaultBranchRef" } });
    await publishInTheEnd();
    expect(github.faults.fired).toHaveLength(3);
    await expectPublished();
  });
});
