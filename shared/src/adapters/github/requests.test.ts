import { describe, expect, test } from "vitest";
import type { RepositoryRef } from "../../ports/code-host.ts";
import { createEtagCache } from "./etag-cache.ts";
import { fakeGitHub, type FakeCall } from "./testing/fake-github.ts";
import { fakeSearch, nodeOf } from "./testing/fake-search.ts";
import { createGitHubRequestCounters } from "./testing/request-counters.ts";
import { traitsOf } from "./request-traits.ts";

const repository: RepositoryRef = { id: 5, nodeId: "R_5", owner: "acme", name: "api" };
const refPath = "/repos/acme/api/git/ref/heads%2Fcampaign%2F1";
const refOf = (sha: string) => ({ ref: "refs/heads/campaign/1", object: { sha } });

describe("a read that is repeated", () => {
  test("asks only whether anything has changed, and a 304 stands for the answer of before", async () => {
    const counters = createGitHubRequestCounters();
    const { codeHost, asked } = fakeGitHub(
      {
        [`GET ${refPath}`]: ({ ifNoneMatch }: FakeCall) =>
          ifNoneMatch === '"one"' ? { status: 304 } : { headers: { etag: '"one"' }, body: refOf("1") },
      },
      { onRequest: counters.record },
    );
    expect(await codeHost.branchHead(repository, "campaign/1")).toBe("1");
    expect(await codeHost.withUrgency("sweep").branchHead(repository, "campaign/1")).toBe("1");
    expect(asked().map(({ ifNoneMatch }) => ifNoneMatch)).toEqual([null, '"one"']);
    expect(counters.totals()).toMatchObject([
      { operation: "GET /orgs/{org}/installation", outcome: "done", requests: 1 },
      { operation: "GET /repos/{owner}/{repo}/git/ref/{ref}", outcome: "done", requests: 1 },
      { operation: "GET /repos/{owner}/{repo}/git/ref/{ref}", outcome: "not-modified", requests: 1 },
      { operation: "POST /app/installations/{number}/access_tokens", outcome: "done", requests: 1 },
    ]);
  });

  test("shows what has changed", async () => {
    const { codeHost } = fakeGitHub({
      [`GET ${refPath}`]: [
        { headers: { etag: '"one"' }, body: refOf("1") },
        { headers: { etag: '"two"' }, body: refOf("2") },
        { status: 304 },
      ],
    });
    const heads = [];
    for (const _ of [1, 2, 3]) heads.push(await codeHost.branchHead(repository, "campaign/1"));
    expect(heads).toEqual(["1", "2", "2"]);
  });
});

describe("the answers that are kept", () => {
  const url = (name: string) => new URL(`https://api.github.com/repos/acme/${name}`);
  const answer = (text: string) => ({ etag: '"e"', headers: new Headers(), text });

  test("are an installation's own", () => {
    const cache = createEtagCache({ maxBytes: 100_000 });
    cache.keep("7", url("api"), answer("x"));
    expect(cache.find("7", url("api"))).toBeDefined();
    expect(cache.find("8", url("api"))).toBeUndefined();
  });

  test("take no more memory than they may: what was not used for longest goes first", () => {
    const cache = createEtagCache({ maxBytes: 50_000 });
    for (let index = 0; index < 50; index += 1) {
      cache.keep("7", url(`r${index}`), answer("x".repeat(5000)));
      cache.find("7", url("r0"));
    }
    const left = Array.from({ length: 50 }, (_, index) => index).filter((index) => cache.find("7", url(`r${index}`)));
    expect(left).toEqual([0, 47, 48, 49]);
  });
});

describe("requests are counted by what they are", () => {
  const at = (method: string, path: string, body?: unknown) =>
    traitsOf(method, new URL(`https://git.example.com${path}`), body).operation;

  test.each([
    ["PATCH", "/repos/acme/api/pulls/12", "PATCH /repos/{owner}/{repo}/pulls/{number}"],
    ["PATCH", "/api/v3/repositories/5/pulls/12", "PATCH /repos/{owner}/{repo}/pulls/{number}"],
    ["GET", `/repos/acme/api/git/commits/${"a".repeat(40)}`, "GET /repos/{owner}/{repo}/git/commits/{sha}"],
    ["GET", "/repos/acme/api/git/ref/heads/campaign/1", "GET /repos/{owner}/{repo}/git/ref/{ref}"],
    ["GET", "/users/ana/installation", "GET /users/{username}/installation"],
  ])("%s %s", (method, path, operation) => {
    expect(at(method, path)).toBe(operation);
  });

  test("GraphQL by its document's name, on GitHub Enterprise Server too", () => {
    expect(at("POST", "/api/graphql", JSON.stringify({ query: "mutation MoveBranch($a: ID!) {}" }))).toBe(
      "graphql MoveBranch",
    );
  });
});

describe("a page that GitHub cannot give in time", () => {
  const tooLong = { status: 502, body: { message: "This may be the result of a timeout" } };

  test("of an organization is halved, and the next one begins where it ended", async () => {
    const sizes: unknown[] = [];
    const { codeHost } = fakeGitHub({
      "POST /graphql": ({ body }) => {
        // The body is what the code host under test has sent.
        const { first } = (body as { variables: { first: number } }).variables;
        sizes.push(first);
        if (first > 25) return tooLong;
        const pageInfo = { hasNextPage: true, endCursor: "c25" };
        const nodes = Array.from({ length: first }, (_, index) => nodeOf({ name: `r${index}` }));
        return { body: { data: { rateLimit: null, repositoryOwner: { repositories: { pageInfo, nodes } } } } };
      },
    });
    const page = await codeHost.organizationPage({ organization: "acme", files: [] });
    expect(sizes).toEqual([100, 50, 25]);
    expect([page.repositories.length, page.nextCursor]).toEqual([25, "c25"]);
  });

  test("of a search is halved, and still shows each repository once", async () => {
    const hits = Array.from({ length: 260 }, (_, index) => ({ name: `r${index}`, created: "2024-06-01", sizeKb: 1 }));
    const search = fakeSearch(hits);
    let asked = 0;
    const { codeHost } = fakeGitHub({ "POST /graphql": (call) => (asked++ % 2 === 0 ? tooLong : search(call)) });
    const names: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await codeHost.searchPage({
        organization: "acme",
        search: "x",
        files: [],
        ...(cursor && { cursor }),
      });
      names.push(...page.repositories.map(({ name }) => name));
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    expect(names).toEqual(hits.map(({ name }) => name));
  });

  test("of repositories by name is asked for in parts", async () => {
    const names = Array.from({ length: 100 }, (_, index) => ({ name: `r${index}` }));
    const { codeHost } = fakeGitHub({
      "POST /graphql": ({ body }) => {
        // The body is what the code host under test has sent.
        const { variables } = body as { variables: Record<string, string> };
        const asked = Object.entries(variables).filter(([name]) => /^n\d+$/.test(name));
        if (asked.length > 30) return tooLong;
        return {
          body: { data: Object.fromEntries(asked.map(([key, name]) => [key.replace("n", "r"), nodeOf({ name })])) },
        };
      },
    });
    const page = await codeHost.findRepositories({ organization: "acme", repositories: names, files: [] });
    expect(page.repositories.map(({ name }) => name)).toEqual(names.map(({ name }) => name));
  });
});

describe("an organization of 5,000 repositories", () => {
  test("takes fifty requests, and no page holds more than a hundred", async () => {
    const { codeHost, asked } = fakeGitHub({
      "POST /graphql": ({ body }) => {
        // The body is what the code host under test has sent.
        const { cursor } = (body as { variables: { cursor: string | null } }).variables;
        const from = Number(cursor ?? 0);
        const pageInfo = { hasNextPage: from + 100 < 5000, endCursor: String(from + 100) };
        const nodes = Array.from({ length: 100 }, (_, index) => nodeOf({ name: `r${from + index}` }));
        return { body: { data: { rateLimit: null, repositoryOwner: { repositories: { pageInfo, nodes } } } } };
      },
    });
    const ids = new Set<number>();
    let largest = 0;
    for (let cursor: string | undefined; ;) {
      const page = await codeHost.organizationPage({ organization: "acme", files: [], ...(cursor && { cursor }) });
      largest = Math.max(largest, page.repositories.length);
      for (const { id } of page.repositories) ids.add(id);
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    expect([ids.size, largest, asked().length]).toEqual([5000, 100, 50]);
  });
});

describe("an owner that was renamed", () => {
  const pull = {
    number: 3,
    node_id: "PR_3",
    html_url: "https://github.test/neo/api/pull/3",
    state: "open",
    merged_at: null,
    title: "t",
    body: null,
    head: { ref: "campaign/1", sha: "a".repeat(40), repo: { id: 5 } },
    base: { ref: "main" },
    labels: [],
  };
  const moved = { status: 301, headers: { location: "https://api.github.com/repositories/5" }, body: {} };
  const routes = {
    "GET /repos/acme/api/pulls": ({ url }: FakeCall) => ({
      ...moved,
      headers: { location: `https://api.github.com/repositories/5/pulls${url.search}` },
    }),
    "GET /repositories/5/pulls": ({ url }: FakeCall) => ({
      body: url.searchParams.get("head") === "neo:campaign/1" ? [pull] : [],
    }),
    "GET /repos/acme/api": [moved],
    "GET /repositories/5": [{ body: { id: 5, owner: { login: "neo" } } }],
  };

  test("is looked up, so that a pull request is found by the owner's name of now", async () => {
    const { codeHost } = fakeGitHub(routes);
    expect(await codeHost.findPullRequest(repository, "campaign/1")).toMatchObject({ number: 3 });
  });

  test("still has its installation, which is found by the repository", async () => {
    const { codeHost, calls } = fakeGitHub({
      ...routes,
      "GET /orgs/acme/installation": [{ status: 404, body: { message: "Not Found" } }],
      "GET /repos/acme/api/installation": [
        { status: 301, headers: { location: "https://api.github.com/repositories/5/installation" }, body: {} },
      ],
      "GET /repositories/5/installation": [{ body: { id: 9, suspended_at: null } }],
    });
    expect(await codeHost.findPullRequest(repository, "campaign/1")).toMatchObject({ number: 3 });
    expect(calls.map(({ url }) => url.pathname)).toContain("/app/installations/9/access_tokens");
  });
});
