import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { CodeHostBusy, CodeHostUnavailable, type RepositoryRef } from "../../ports/code-host.ts";
import { createManualClock } from "../memory/manual-clock.ts";
import { treeLimits } from "./git-data.ts";
import { fakeGitHub, fakeKey, fakeNow } from "./testing/fake-github.ts";
import type { GitHubRequestRecord } from "./request-record.ts";

const repository: RepositoryRef = { id: 5, nodeId: "R_5", owner: "acme", name: "api" };
const refPath = "/repos/acme/api/git/ref/heads%2Fcampaign%2F1";
const head = { body: { ref: "refs/heads/campaign/1", object: { sha: "a".repeat(40) } } };
const serverError = { status: 502, body: { message: "Server Error" } };
const badCredentials = { status: 401, body: { message: "Bad credentials" } };
const pullDraft = { headBranch: "campaign/1", baseBranch: "main", title: "t", body: "b", draft: false };

/** What GitHub answers when it makes a token that lasts so long. */
const tokenFor = (ms: number) => ({
  token: "ghs_old",
  expires_at: new Date(fakeNow.getTime() + ms).toISOString(),
  permissions: {},
});

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("asking GitHub", () => {
  test("sends a read again when GitHub is broken, and then gives up until later", async () => {
    const healed = fakeGitHub({ [`GET ${refPath}`]: [serverError, new TypeError("fetch failed"), head] });
    expect(await healed.codeHost.branchHead(repository, "campaign/1")).toBe("a".repeat(40));
    expect(healed.delaysMs).toEqual([500, 2000]);

    const broken = fakeGitHub({ [`GET ${refPath}`]: [serverError] });
    expect(await errorOf(broken.codeHost.branchHead(repository, "campaign/1"))).toBeInstanceOf(CodeHostUnavailable);
    expect(broken.asked()).toHaveLength(3);
  });

  test("never sends a write again: whether it was done is for its caller to find out", async () => {
    for (const answer of [serverError, new TypeError("fetch failed")]) {
      const { codeHost, asked } = fakeGitHub({ "POST /repos/acme/api/pulls": [answer] });
      expect(await errorOf(codeHost.openPullRequest(repository, pullDraft))).toBeInstanceOf(CodeHostUnavailable);
      expect(asked()).toHaveLength(1);
    }
  });

  test("does not take an answer that was cut off for a result", async () => {
    const { codeHost, asked } = fakeGitHub({ [`GET ${refPath}`]: [{ body: '{"ref": "refs/hea' }, head] });
    expect(await codeHost.branchHead(repository, "campaign/1")).toBe("a".repeat(40));
    expect(asked()).toHaveLength(2);
  });

  test("gives up on an answer that does not come in time", async () => {
    const never: typeof fetch = (_, init) =>
      new Promise((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new DOMException("late", "TimeoutError")));
      });
    const { codeHost } = fakeGitHub({}, { fetch: never, timeoutMs: 1 });
    const error = await errorOf(codeHost.check());
    expect(error).toBeInstanceOf(CodeHostUnavailable);
    expect(String(error)).toContain("no answer within 1 ms");
  });

  test("says when to come back, and does not ask again by itself", async () => {
    const limited = { status: 403, headers: { "retry-after": "7" }, body: { message: "secondary rate limit" } };
    const { codeHost, asked } = fakeGitHub({ [`GET ${refPath}`]: [limited] });
    const error = await errorOf(codeHost.branchHead(repository, "campaign/1"));
    expect(error).toBeInstanceOf(CodeHostBusy);
    expect(error).toMatchObject({ retryAt: new Date(fakeNow.getTime() + 7000) });
    expect(asked()).toHaveLength(1);
  });

  test("reports each request without its query and its secrets", async () => {
    const records: GitHubRequestRecord[] = [];
    const headers = { "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1893553445" };
    const { codeHost } = fakeGitHub(
      { [`GET ${refPath}`]: [{ ...head, headers }] },
      { onRequest: (record) => void records.push(record) },
    );
    await codeHost.branchHead(repository, "campaign/1");
    expect(records.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([
      "GET /orgs/acme/installation 200",
      "POST /app/installations/7/access_tokens 201",
      `GET ${refPath} 200`,
    ]);
    expect(records[2]).toMatchObject({
      requestId: "AB:12",
      budget: { resource: "core", limit: 5000, remaining: 4999 },
    });
    expect(JSON.stringify(records)).not.toMatch(/ghs_|bearer|eyJ/i);
  });

  test("speaks to GitHub Enterprise Server where its GraphQL is", async () => {
    const { codeHost, calls } = fakeGitHub({}, { apiUrl: "https://git.example.com/api/v3/" });
    await errorOf(codeHost.moveBranch(repository, { branch: "campaign/1", from: undefined, to: "a".repeat(40) }));
    expect(calls[0]?.url.href).toBe("https://git.example.com/api/v3/orgs/acme/installation");
  });
});

describe("tokens", () => {
  test("are made once and used for many requests", async () => {
    const { codeHost, calls } = fakeGitHub({ [`GET ${refPath}`]: [head] });
    await codeHost.branchHead(repository, "campaign/1");
    await codeHost.branchHead(repository, "campaign/1");
    expect(calls.map(({ authorization }) => authorization).slice(2)).toEqual([
      "token ghs_secret1",
      "token ghs_secret1",
    ]);
  });

  test("are made again when GitHub refuses one, for a write too, since a 401 did nothing", async () => {
    const { codeHost, asked } = fakeGitHub({
      "PATCH /repos/acme/api/pulls/3": [badCredentials, { body: {} }],
    });
    await codeHost.updatePullRequest(repository, 3, { title: "t", body: "b" });
    expect(asked().map(({ authorization }) => authorization)).toEqual(["token ghs_secret1", "token ghs_secret2"]);
  });

  test("are made again once for many requests that were refused together", async () => {
    const { codeHost, calls } = fakeGitHub({
      [`GET ${refPath}`]: [badCredentials, badCredentials, badCredentials, head],
    });
    await Promise.all([1, 2, 3].map(() => codeHost.branchHead(repository, "campaign/1")));
    expect(calls.filter(({ url }) => url.pathname.endsWith("/access_tokens"))).toHaveLength(2);
    expect(calls.filter(({ url }) => url.pathname.endsWith("/orgs/acme/installation"))).toHaveLength(1);
  });

  test("are given up when GitHub refuses a new one as well", async () => {
    const { codeHost, asked } = fakeGitHub({ [`GET ${refPath}`]: [badCredentials] });
    const error = await errorOf(codeHost.branchHead(repository, "campaign/1"));
    expect(error).toMatchObject({ kind: "bad-credentials" });
    expect(asked()).toHaveLength(2);
  });

  test("come from the new installation after the App was installed anew", async () => {
    const gone = { status: 404, body: { message: "Not Found" } };
    const { codeHost, calls } = fakeGitHub({
      "GET /orgs/acme/installation": [{ body: { id: 7, suspended_at: null } }, { body: { id: 8, suspended_at: null } }],
      "POST /app/installations/7/access_tokens": [{ body: tokenFor(3_600_000) }, gone],
      [`GET ${refPath}`]: [head, badCredentials, head],
    });
    await codeHost.branchHead(repository, "campaign/1");
    await codeHost.branchHead(repository, "campaign/1");
    expect(calls.at(-2)?.url.pathname).toBe("/app/installations/8/access_tokens");
  });

  test("for git reach one repository, may only read, and last ten minutes at least", async () => {
    const clock = createManualClock(fakeNow);
    const { codeHost, calls } = fakeGitHub(
      {
        "POST /app/installations/7/access_tokens": [
          { body: { ...tokenFor(3_600_000), token: "ghs_first" } },
          { body: { ...tokenFor(2 * 3_600_000), token: "ghs_second" } },
        ],
      },
      { clock },
    );
    const url = "https://github.com/acme/api.git";
    expect(await codeHost.gitAccess(repository)).toEqual({ url, token: "ghs_first" });
    expect(calls.at(-1)?.body).toEqual({ repository_ids: [5], permissions: { contents: "read" } });
    clock.advance(50 * 60_000);
    expect(await codeHost.gitAccess(repository)).toEqual({ url, token: "ghs_first" });
    clock.advance(1);
    expect(await codeHost.gitAccess(repository)).toEqual({ url, token: "ghs_second" });
  });

  test("allow what is to be done, and no more", async () => {
    const { codeHost, calls } = fakeGitHub({ [`GET ${refPath}`]: [head], "PATCH /repos/acme/api/pulls/3": [{}] });
    await codeHost.branchHead(repository, "campaign/1");
    await codeHost.updatePullRequest(repository, 3, { title: "t", body: "b" });
    await errorOf(codeHost.requestReviewers(repository, 3, { logins: ["ana"], teams: ["core"] }));
    const asked = calls.filter(({ url }) => url.pathname.endsWith("/access_tokens")).map(({ body }) => body);
    expect(asked).toEqual([
      { permissions: { contents: "read", pull_requests: "read" } },
      { permissions: { contents: "write", pull_requests: "write" } },
      { permissions: { contents: "write", pull_requests: "write", members: "read" } },
    ]);
  });

  test("appear in no error, cause or log line, nor does the key", async () => {
    const leaky = new TypeError('Headers.append: "token ghs_secret1" is an invalid header value.');
    const { codeHost, logged } = fakeGitHub({
      [`GET ${refPath}`]: [leaky],
      "POST /repos/acme/api/pulls": [serverError],
      "POST /graphql": [{ body: { errors: [{ message: "no", type: "FORBIDDEN" }] } }],
      "GET /app": [badCredentials],
    });
    const errors = [
      await errorOf(codeHost.branchHead(repository, "campaign/1")),
      await errorOf(codeHost.openPullRequest(repository, pullDraft)),
      await errorOf(codeHost.organizationPage({ organization: "acme", files: [] })),
      await errorOf(codeHost.check()),
    ];
    const all = inspect([errors, logged], { depth: 20, showHidden: true });
    expect(errors.every((error) => error instanceof Error)).toBe(true);
    expect(all).not.toMatch(/ghs_|eyJ|PRIVATE|authorization/i);
  });

  test("need a key: something else is refused at once, unquoted", () => {
    const broken = fakeKey.replace("MII", "???");
    let error: unknown;
    try {
      fakeGitHub({}, { privateKey: broken });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ kind: "bad-credentials" });
    expect(inspect(error, { depth: 20 })).not.toContain(broken.split("\n")[2]);
  });
});

describe("redirects", () => {
  const moved = (status: number, location: string) => ({ status, headers: { location }, body: { message: "Moved" } });

  test("of a renamed repository are followed by the same method with the same body", async () => {
    const { codeHost, asked } = fakeGitHub({
      "POST /repos/acme/api/issues/3/labels": [moved(307, "https://api.github.com/repositories/5/issues/3/labels")],
      "POST /repositories/5/issues/3/labels": [{ body: [] }],
    });
    await codeHost.addLabels(repository, 3, ["campaign"]);
    expect(asked().map(({ method, url, body }) => [method, url.pathname, body])).toEqual([
      ["POST", "/repos/acme/api/issues/3/labels", { labels: ["campaign"] }],
      ["POST", "/repositories/5/issues/3/labels", { labels: ["campaign"] }],
    ]);
  });

  test("to another host are not followed: it would get the token", async () => {
    const { codeHost, asked } = fakeGitHub({
      "PATCH /repos/acme/api/pulls/3": [moved(307, "https://evil.example.com/")],
    });
    const error = await errorOf(codeHost.updatePullRequest(repository, 3, { title: "t", body: "b" }));
    expect(String(error)).toContain("evil.example.com");
    expect(asked().map(({ url }) => url.hostname)).toEqual(["api.github.com"]);
  });

  test("that go in circles end", async () => {
    const { codeHost, asked } = fakeGitHub({
      "PATCH /repos/acme/api/pulls/3": [moved(307, "https://api.github.com/repos/acme/api/pulls/3")],
    });
    expect(await errorOf(codeHost.updatePullRequest(repository, 3, { title: "t", body: "b" }))).toBeInstanceOf(Error);
    expect(asked()).toHaveLength(4);
  });
});

describe("large commits", () => {
  test("are made of several trees, each based on the one before", async () => {
    const sha = (index: number) => ({ status: 201, body: { sha: `tree${index}` } });
    const { codeHost, asked } = fakeGitHub({
      "GET /repos/acme/api/git/commits/parent": [{ body: { tree: { sha: "tree0" } } }],
      "POST /repos/acme/api/git/trees": [sha(1), sha(2), sha(3)],
      "POST /repos/acme/api/git/commits": [{ status: 201, body: { sha: "made", tree: { sha: "tree3" } } }],
    });
    const content = Buffer.from("x");
    const changes = Array.from(
      { length: 2 * treeLimits.entries + 1 },
      (_, index) => ({ path: `f${index}`, kind: "write", mode: "100644", content }) as const,
    );
    const author = { name: "a", email: "a@example.com" };
    const draft = { parent: "parent", changes, message: "m", author, at: new Date("2030-01-02T03:04:05.678Z") };
    expect(await codeHost.createCommit(repository, draft)).toEqual({ commit: "made", tree: "tree3" });
    const bodies = asked().map(({ body }) => body);
    expect(bodies).toMatchObject([
      undefined,
      { base_tree: "tree0" },
      { base_tree: "tree1" },
      { base_tree: "tree2", tree: [{ path: `f${2 * treeLimits.entries}` }] },
      { tree: "tree3", parents: ["parent"], author: { date: "2030-01-02T03:04:05Z" }, committer: { name: "a" } },
    ]);
  });
});

describe("selection", () => {
  test("goes from page to page by GitHub's cursor", async () => {
    const data = {
      repositoryOwner: { repositories: { pageInfo: { hasNextPage: true, endCursor: "c2" }, nodes: [null] } },
    };
    const { codeHost, asked } = fakeGitHub({ "POST /graphql": [{ body: { data } }] });
    const page = await codeHost.organizationPage({ organization: "acme", files: ["a"], cursor: "c1" });
    expect(page).toEqual({ repositories: [], missing: [], nextCursor: "c2" });
    expect(asked()[0]?.body).toMatchObject({ variables: { account: "acme", cursor: "c1", repof0: "HEAD:a" } });
  });

  test("takes no partial answer for a whole one, unless all that lacks is repositories that do not exist", async () => {
    const query = { organization: "acme", repositories: [{ name: "a" }, { name: "b" }], files: [] };
    const missing = { message: "Could not resolve", type: "NOT_FOUND", path: ["r0"] };
    const forbidden = { message: "SAML enforcement", type: "FORBIDDEN", path: ["r1"] };
    const data = { r0: null, r1: null };
    const { codeHost } = fakeGitHub({
      "POST /graphql": [{ body: { data, errors: [missing] } }, { body: { data, errors: [missing, forbidden] } }],
    });
    expect(await codeHost.findRepositories(query)).toEqual({ repositories: [], missing: ["a", "b"] });
    expect(await errorOf(codeHost.findRepositories(query))).toMatchObject({ kind: "missing-permission" });
  });
});
