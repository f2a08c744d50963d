import { generateKeyPairSync } from "node:crypto";
import { verify } from "@octokit/webhooks-methods";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { aRepository } from "#shared/testing/builders.ts";
import { planWebhook } from "#shared/webhook/plan-webhook.ts";
import { personToken, startEmulator, webhookSecret, type EmulatedGitHub } from "./emulator.ts";
import { createBranch, draftOn, forceBranch, proposeOn, pullRequestFrom } from "./proposal.ts";

let github: EmulatedGitHub;
beforeEach(async () => {
  github = await startEmulator();
});
afterEach(() => github.close());

describe("the App's key", () => {
  test("is accepted", async () => {
    await expect(github.hostApp().check()).resolves.toBeUndefined();
  });

  test("is refused when it is another one", async () => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
      publicKeyEncoding: { type: "pkcs1", format: "pem" },
    });
    await expect(github.hostApp({ privateKey }).check()).rejects.toMatchObject({ kind: "bad-credentials" });
  });

  test("is refused for another App", async () => {
    await expect(github.hostApp({ appId: "8" }).check()).rejects.toMatchObject({ kind: "bad-credentials" });
  });

  test("lists where the App is installed", async () => {
    const installations = await github.hostApp().installations();
    expect(installations.map(({ id, account }) => [id, account])).toEqual([
      [101, "acme"],
      [102, "ana"],
    ]);
  });
});

describe("a token for git", () => {
  test("reads one repository and nothing else", async () => {
    const { id, owner, name, head, nodeId } = await github.repository("acme/api");
    const { url, token } = await github.codeHost().gitAccess({ id, nodeId, owner, name });
    expect(url).toBe(`${github.apiUrl}/acme/api.git`);
    const path = "/repos/acme/api/git/refs";
    expect((await github.ask({ path: `/repos/acme/api/git/commits/${head}`, token })).status).toBe(200);
    expect((await github.ask({ path: "/repos/acme/web/git/ref/heads/main", token })).status).toBe(403);
    const body = { ref: "refs/heads/mine", sha: head };
    expect((await github.ask({ method: "POST", path, token, body })).status).toBe(403);
    expect((await github.ask({ method: "POST", path, token: personToken, body })).status).toBe(201);

    const [minted] = await mintedTokens();
    expect(minted).toMatchObject({
      installation: { id: 101 },
      permissions: { contents: "read" },
      repository_selection: "selected",
      repository_ids: [id],
    });
  });

  test("is found for a person's account as for an organization", async () => {
    const { token } = await github.codeHost().gitAccess(await github.repository("ana/dotfiles"));
    expect((await github.ask({ path: "/repos/ana/dotfiles/git/ref/heads/main", token })).status).toBe(200);
    expect(await mintedTokens()).toMatchObject([{ installation: { id: 102 } }]);
  });

  test("is not to be had where the App is not installed", async () => {
    const access = github.codeHost().gitAccess(aRepository({ owner: "initech" }));
    await expect(access).rejects.toMatchObject({ kind: "not-installed" });
    expect(await mintedTokens()).toEqual([]);
  });

  test("is not to be had for what the installation does not grant", async () => {
    const access = github.codeHost({ workflows: "write" }).gitAccess(await github.repository("acme/api"));
    await expect(access).rejects.toMatchObject({
      kind: "missing-permission",
      message: expect.stringContaining('"workflows: write"'),
    });
    expect(await mintedTokens()).toEqual([]);
  });

  async function mintedTokens(): Promise<readonly unknown[]> {
    const answer = await github.ask({ path: "/_emulate/installation-tokens" });
    // What the emulator says of its own tokens, for tests; each is compared with what is expected.
    return ((await answer.json()) as { installation_tokens: readonly unknown[] }).installation_tokens;
  }
});

describe("a pull request", () => {
  const head = "campaign/1";

  test("is opened, found by its branch, read, changed, labelled, reviewed and closed", async () => {
    const team = { method: "POST", path: "/orgs/acme/teams", token: personToken, body: { name: "core" } };
    expect((await github.ask(team)).status).toBe(201);
    const repository = await github.repository("acme/api");
    // The emulator takes labels with this permission alone.
    const codeHost = github.codeHost({ issues: "write" });
    const commit = await proposeOn(github, repository, head);
    expect(await codeHost.findPullRequest(repository, head)).toBeUndefined();
    const opened = await codeHost.openPullRequest(repository, { ...pullRequestFrom(head), draft: true });
    expect(opened).toMatchObject({
      number: 1,
      state: "open",
      draft: true,
      title: "Use Node 24",
      body: "22 ends in April.",
      headBranch: head,
      headCommit: commit,
      baseBranch: "main",
    });
    expect(await codeHost.findPullRequest(repository, head)).toEqual(opened);

    for (const _ of ["once", "twice"]) {
      await codeHost.updatePullRequest(repository, 1, { title: "Use Node 26", body: "" });
      await codeHost.addLabels(repository, 1, ["campaign", "licence: MIT"]);
      await codeHost.requestReviewers(repository, 1, { logins: ["ana"], teams: ["core"] });
    }
    const changed = {
      ...opened,
      title: "Use Node 26",
      body: "",
      labels: ["campaign", "licence: MIT"],
      requestedReviewers: ["ana"],
      requestedTeams: ["core"],
    };
    expect(await codeHost.readPullRequest(repository, 1)).toEqual(changed);
    await codeHost.closePullRequest(repository, 1);
    await codeHost.closePullRequest(repository, 1);
    expect(await codeHost.readPullRequest(repository, 1)).toEqual({ ...changed, state: "closed" });
    expect(await codeHost.findPullRequest(repository, head)).toMatchObject({ number: 1, state: "closed" });
    expect(await codeHost.branchHead(repository, head)).toBe(commit);
  });

  test("that a person merged is merged", async () => {
    const repository = await github.repository("acme/api");
    await proposeOn(github, repository, head);
    await github.codeHost().openPullRequest(repository, pullRequestFrom(head));
    const path = "/repos/acme/api/pulls/1/merge";
    expect((await github.ask({ method: "PUT", path, token: personToken, body: {} })).status).toBe(200);
    expect(await github.codeHost().readPullRequest(repository, 1)).toMatchObject({ state: "merged" });
  });

  test("is not found where there is none, and asks nobody who does not exist", async () => {
    const repository = await github.repository("acme/api");
    const codeHost = github.codeHost();
    await expect(codeHost.readPullRequest(repository, 1)).rejects.toMatchObject({ kind: "not-found" });
    await proposeOn(github, repository, head);
    await codeHost.openPullRequest(repository, pullRequestFrom(head));
    const asked = codeHost.requestReviewers(repository, 1, { logins: ["ana", "nobody"], teams: [] });
    await expect(asked).rejects.toMatchObject({ kind: "invalid" });
    expect(await codeHost.readPullRequest(repository, 1)).toMatchObject({ requestedReviewers: [] });
  });
});

describe("a webhook", () => {
  test("is signed as we check it, and says which pull request or branch to look at", async () => {
    const repository = await github.repository("acme/api");
    const { id, head: main } = repository;
    await proposeOn(github, repository, "campaign/1");
    await github.codeHost().openPullRequest(repository, pullRequestFrom("campaign/1"));
    const opened = await github.webhooks.delivered("pull_request");
    expect(await verify(webhookSecret, opened.body, opened.signature)).toBe(true);
    expect(await verify("another secret", opened.body, opened.signature)).toBe(false);
    const expected = { kind: "look-at-pull-request", repositoryId: id, pullRequest: 1 };
    expect(planWebhook(opened.event, JSON.parse(opened.body))).toEqual(expected);

    await createBranch(github, repository, { name: "other", commit: main });
    const { commit } = await github.codeHost().createCommit(repository, draftOn(main));
    await forceBranch(github, repository, { name: "other", commit });
    const pushed = await github.webhooks.delivered("push");
    expect(await verify(webhookSecret, pushed.body, pushed.signature)).toBe(true);
    const branch = { kind: "look-at-branch", repositoryId: id, branch: "other" };
    expect(planWebhook(pushed.event, JSON.parse(pushed.body))).toEqual(branch);
  });
});
