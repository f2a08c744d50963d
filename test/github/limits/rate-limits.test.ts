import { describe, expect, it } from "vitest";
import { askAs, type Ask } from "../testing/ask.ts";
import { anOrganization, type Scene } from "../testing/an-organization.ts";
import { createVirtualClock, type VirtualClock } from "../virtual-clock.ts";
import { documentedLimits, type GitHubLimits } from "./github-limits.ts";

interface LimitedScene extends Scene {
  readonly clock: VirtualClock;
  readonly ask: Ask;
}

/** The installation in `acme`, under the documented limits but for what is given. */
async function underLimits(limits: Partial<GitHubLimits> = {}): Promise<LimitedScene> {
  const clock = createVirtualClock(new Date());
  const scene = await anOrganization({ clock, validate: false, limits: { ...documentedLimits, ...limits } });
  return { ...scene, clock, ask: askAs(scene.github, scene.github.installationToken("acme")) };
}

const comment = { method: "POST", path: "/repos/acme/one/issues/1/comments", body: { body: "hello" } } as const;
const read = "/repos/acme/one";
const budget = (core: number): GitHubLimits["core"] => ({ base: core, perExtra: 0, cap: core });
const inner = "query { viewer { login } }";

async function aCommentedPullRequest(limits: Partial<GitHubLimits>): Promise<LimitedScene> {
  const scene = await underLimits();
  scene.github.setPermissions("acme", { contents: "write", pull_requests: "write", issues: "write" });
  await scene.github.pushCommit("acme/one", { branch: "change", files: { "new.txt": "new\n" } });
  const owner = askAs(scene.github, scene.github.tokenOf("app-owner"));
  const pull = { title: "A change", head: "change", base: "main" };
  expect((await owner({ method: "POST", path: "/repos/acme/one/pulls", body: pull })).status).toBe(201);
  scene.github.setLimits({ ...documentedLimits, ...limits });
  return { ...scene, ask: askAs(scene.github, scene.github.installationToken("acme")) };
}

describe("the primary limit", () => {
  it("shows in every answer what is left, and grows with what the installation reaches", async () => {
    const { github, ask, clock } = await underLimits();
    const first = await ask(read);
    expect(first.limits).toEqual({ limit: 5_000, remaining: 4_999, used: 1, resource: "core" });
    expect(first.headers.get("x-ratelimit-reset")).toBe(String(Math.ceil(clock.now().getTime() / 1000) + 3_600));
    await github.addRepositories(99, { owner: "acme" });
    expect((await ask(read)).limits.limit).toBe(5_000 + 80 * 50);
    await github.addRepositories(400, { owner: "acme", name: (index) => `more-${index}` });
    expect((await ask("/nothing")).limits).toMatchObject({ limit: 12_500, used: 3 });
  });

  it("refuses REST with 403 and nothing left until the reset, and counts GraphQL apart", async () => {
    const { github, ask, clock } = await underLimits({ core: budget(2), graphql: budget(1) });
    expect([(await ask(read)).status, (await ask(read)).status]).toEqual([200, 200]);
    const refused = await ask(read);
    expect(refused).toMatchObject({ status: 403, limits: { remaining: 0, resource: "core" } });
    expect(refused.body).toMatchObject({
      message: expect.stringMatching(/^API rate limit exceeded for installation ID/),
    });
    expect((await ask({ query: inner })).limits).toMatchObject({ remaining: 0, resource: "graphql" });
    const graphql = await ask({ query: inner });
    expect(graphql).toMatchObject({ status: 200, body: { errors: [{ type: "RATE_LIMITED" }] } });
    clock.advance(3_600_000);
    const token = github.installationToken("acme");
    expect((await askAs(github, token)(read)).status).toBe(200);
    expect(github.rateRefusals.map(({ because }) => because)).toEqual(["core", "graphql"]);
  });

  it("is not touched by /rate_limit or by what has not changed", async () => {
    const { ask } = await underLimits();
    const first = await ask(read);
    const etag = first.headers.get("etag") ?? "";
    const again = await ask({ path: read, headers: { "if-none-match": etag } });
    expect(again).toMatchObject({ status: 304, limits: { used: 1 } });
    expect((await ask({ path: read, headers: { "if-none-match": etag.replace("W/", "") } })).status).toBe(304);
    const rates = await ask("/rate_limit");
    expect(rates.body).toMatchObject({ resources: { core: { used: 1, limit: 5_000 }, code_search: { limit: 9 } } });
  });

  it("keeps searching and code searching apart, by the minute", async () => {
    const { ask, clock } = await underLimits({ searchAMinute: 1, codeSearchAMinute: 1 });
    const search = "/search/repositories?q=org:acme";
    const code = "/search/code?q=hello+org:acme";
    expect([(await ask(search)).status, (await ask(search)).status]).toEqual([200, 403]);
    expect([(await ask(code)).status, (await ask(code)).status, (await ask(read)).status]).toEqual([200, 403, 200]);
    clock.advance(60_000);
    expect((await ask(search)).status).toBe(200);
  });
});

describe("secondary limits", () => {
  it("count five points for a write, and a request during the cooldown begins it anew", async () => {
    const { github, ask, clock } = await underLimits({ restPointsAMinute: 7 });
    const blob = { method: "POST", path: "/repos/acme/one/git/blobs", body: { content: "a" } } as const;
    expect([(await ask(blob)).status, (await ask(read)).status]).toEqual([201, 200]);
    const refused = await ask(blob);
    expect(refused.status).toBe(403);
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(refused.limits.remaining).toBeGreaterThan(0);
    expect(refused.body).toMatchObject({ message: expect.stringMatching(/^You have exceeded a secondary rate limit/) });
    clock.advance(40_000);
    expect((await ask(read)).status).toBe(403);
    clock.advance(40_000);
    expect((await ask(read)).status).toBe(403);
    clock.advance(60_000);
    expect((await ask(read)).status).toBe(200);
    expect(github.rateRefusals.map(({ because }) => because)).toEqual(["rest points", "cooldown", "cooldown"]);
    expect(github.peaks("acme").restPointsAMinute).toBe(11);
  });

  it("stop GraphQL and REST together, and other accounts not at all", async () => {
    const { github, ask } = await underLimits({ graphqlPointsAMinute: 1 });
    expect((await ask({ query: inner })).body).not.toHaveProperty("errors");
    const refused = await ask({ query: inner });
    expect(refused).toMatchObject({
      status: 200,
      body: { errors: [{ message: expect.stringContaining("secondary") }] },
    });
    expect(refused.headers.get("retry-after")).toBe("60");
    expect((await ask(read)).status).toBe(403);
    expect((await askAs(github, github.tokenOf("app-owner"))(read)).status).toBe(200);
  });

  it("can be told to GraphQL with 403, and to REST with 429 and no hint how long", async () => {
    const refusals = {
      ...documentedLimits.refusals,
      secondaryStatus: 429,
      graphqlSecondaryStatus: 403,
      withRetryAfter: false,
    } as const;
    const { ask } = await underLimits({ graphqlPointsAMinute: 0, refusals });
    const graphql = await ask({ query: inner });
    expect(graphql).toMatchObject({ status: 403, body: { documentation_url: expect.stringContaining("secondary") } });
    const rest = await ask(read);
    expect([rest.status, rest.headers.get("retry-after")]).toEqual([429, null]);
  });

  it("let so many requests be under way at once, whatever they are", async () => {
    const { github, ask, clock } = await underLimits({ concurrent: 2 });
    github.faults.add({ kind: "slow", ms: 1_000, when: "after", times: 2 });
    const slow = [ask(read), ask({ query: inner })];
    await expect.poll(() => github.peaks("acme").concurrent).toBe(2);
    expect((await ask(read)).status).toBe(403);
    await expect.poll(() => clock.nextWakeAt()).toBeDefined();
    clock.advance(1_000);
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200]);
    clock.advance(60_000);
    expect((await ask(read)).status).toBe(200);
    expect(github.rateRefusals).toMatchObject([{ because: "concurrent" }]);
  });

  it("limit content a minute and an hour, and not blobs, trees, commits and refs", async () => {
    const { github, ask, clock } = await aCommentedPullRequest({ contentAMinute: 2, contentAnHour: 3 });
    const blob = { method: "POST", path: "/repos/acme/one/git/blobs", body: { content: "a" } } as const;
    for (let count = 0; count < 4; count += 1) expect((await ask(blob)).status).toBe(201);
    expect([(await ask(comment)).status, (await ask(comment)).status]).toEqual([201, 201]);
    clock.advance(60_000);
    expect((await ask(comment)).status).toBe(201);
    clock.advance(60_000);
    const refused = await ask(comment);
    expect(refused.body).toMatchObject({ message: expect.stringContaining("blocked from content creation") });
    expect(github.rateRefusals).toMatchObject([
      { because: "content an hour", operation: expect.stringContaining("comments") },
    ]);
    expect(github.peaks("acme")).toMatchObject({ contentAMinute: 2, contentAnHour: 4 });
  });

  it("can call content too quick with a 422", async () => {
    const refusals = { ...documentedLimits.refusals, content: "submitted too quickly" } as const;
    const { ask } = await aCommentedPullRequest({ contentAMinute: 0, refusals });
    expect(await ask(comment)).toMatchObject({
      status: 422,
      body: { errors: [{ message: "was submitted too quickly" }] },
    });
  });

  it("can be lowered without notice, and what was counted stays counted", async () => {
    const { github, ask } = await underLimits();
    for (let count = 0; count < 3; count += 1) await ask(read);
    github.setLimits({ ...documentedLimits, restPointsAMinute: 3 });
    expect((await ask(read)).status).toBe(403);
    github.setLimits("off");
    expect((await ask(read)).status).toBe(200);
  });
});

describe("no limits", () => {
  it("are counted all the same when they are off", async () => {
    const { github, octokit } = await anOrganization({ validate: false });
    await Promise.all(
      Array.from({ length: 5 }, () => octokit.request("GET /repos/{owner}/{repo}", { owner: "acme", repo: "one" })),
    );
    expect(github.peaks("acme")).toMatchObject({ restPointsAMinute: 5, coreAnHour: 5 });
    expect(github.rateRefusals).toEqual([]);
  });

  it("are not spoken of by a GHES whose administrator set none", async () => {
    const { github } = await anOrganization({ validate: false, limits: "ghes" });
    const ask = askAs(github, github.installationToken("acme"));
    expect((await ask(read)).headers.has("x-ratelimit-limit")).toBe(false);
    expect(await ask("/rate_limit")).toMatchObject({ status: 404, body: { message: "Rate limiting is not enabled." } });
    expect((await ask({ query: "{ rateLimit { cost } }" })).body).toEqual({ data: { rateLimit: null } });
  });
});

describe("the price of a query", () => {
  it("is shown by a dry run, which costs nothing and answers nothing else", async () => {
    const { ask } = await underLimits();
    const query = `query($first: Int = 100) { rateLimit(dryRun: true) { cost nodeCount } organization(login: "acme") {
      repositories(first: $first) { nodes { pullRequests(first: 50) { nodes { labels(first: 10) { nodes { name } } } } } } } }`;
    const answer = await ask({ query });
    // 1 + 100 + 100 × 50 connections; 100 + 5,000 + 50,000 nodes
    expect(answer.body).toEqual({ data: { rateLimit: { cost: 51, nodeCount: 55_100 } } });
    expect(answer.limits.used).toBe(0);
  });

  it("may not exceed 500,000 nodes", async () => {
    const { ask } = await underLimits();
    const query = `{ organization(login: "acme") { repositories(first: 100) { nodes { pullRequests(first: 100) { nodes { labels(first: 100) { nodes { name } } } } } } } }`;
    expect((await ask({ query })).body).toEqual({
      errors: [
        {
          type: "MAX_NODE_LIMIT_EXCEEDED",
          message: "This query requests up to 1,010,100 possible nodes which exceeds the maximum limit of 500,000.",
        },
      ],
    });
  });
});
