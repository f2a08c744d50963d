import { describe, expect, it } from "vitest";
import { askAs } from "../testing/ask.ts";
import { aBranch, anOrganization, type Scene } from "../testing/an-organization.ts";
import { createVirtualClock } from "../virtual-clock.ts";

const pulls = "/repos/acme/one/pulls";
const draft = { method: "POST", path: pulls, body: { title: "A change", head: "change", base: "main" } } as const;
const operation = "POST /repos/{owner}/{repo}/pulls";
const byHead = `${pulls}?state=all&head=acme:change`;

async function aScene(): Promise<Scene & { readonly ask: ReturnType<typeof askAs> }> {
  const scene = await anOrganization({ validate: false });
  await aBranch(scene, "change");
  return { ...scene, ask: askAs(scene.github, scene.github.installationToken("acme")) };
}

/** Whether fetch gave up before there was a whole answer. */
async function breaks(request: Promise<unknown>): Promise<boolean> {
  return request.then(
    () => false,
    (error: unknown) => error instanceof Error,
  );
}

describe("faults", () => {
  it("hit what matches, so many times, before any effect", async () => {
    const { github, ask } = await aScene();
    github.faults.add({ kind: "5xx", status: 503, match: { operation }, times: 2 });
    expect((await ask(pulls)).status).toBe(200);
    expect([(await ask(draft)).status, (await ask(draft)).status]).toEqual([503, 503]);
    expect(github.pullRequests()).toEqual([]);
    expect((await ask(draft)).status).toBe(201);
    expect(github.faults.fired.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST ${pulls}`,
      `POST ${pulls}`,
    ]);
    expect(github.requests.filter(({ fault }) => fault === "5xx").map(({ isWrite }) => isWrite)).toEqual([
      false,
      false,
    ]);
  });

  it.each(["5xx", "reset", "truncated", "unresolved-node"] as const)(
    "lose the answer of what was done: %s",
    async (kind) => {
      const { github, ask } = await aScene();
      github.faults.add({ kind, when: "after", match: { operation } });
      const answer = await ask(draft).catch(() => undefined);
      expect(answer?.status).toBe({ "5xx": 502, reset: undefined, truncated: undefined, "unresolved-node": 422 }[kind]);
      expect(github.pullRequests("acme/one")).toHaveLength(1);
      expect((await ask(draft)).status).toBe(422);
      expect((await ask(byHead)).body).toHaveLength(1);
    },
  );

  it("never answer, until the client hangs up", async () => {
    const { github } = await aScene();
    github.faults.add({ kind: "timeout", match: { path: /^\/rate_limit$/ } });
    const url = `${github.apiUrl}/rate_limit`;
    expect(await breaks(fetch(url, { signal: AbortSignal.timeout(50) }))).toBe(true);
    expect(github.requests.at(-1)).toMatchObject({ status: 0, fault: "timeout" });
    expect((await fetch(url)).status).toBe(200);
  });

  it.each([{ status: 403, retryAfterSeconds: 7 }, { status: 429 }, { status: 422 }] as const)(
    "refuse as a secondary limit does, without counting anything: %o",
    async (refusal) => {
      const { github, ask } = await aScene();
      github.faults.add({ kind: "limited", refusal, match: { operation } });
      const answer = await ask(draft);
      expect(answer.status).toBe(refusal.status);
      expect(answer.headers.get("retry-after")).toBe("retryAfterSeconds" in refusal ? "7" : null);
      expect(JSON.stringify(answer.body)).toMatch(/secondary rate limit|was submitted too quickly/);
      expect(github.pullRequests()).toEqual([]);
      expect((await ask(draft)).status).toBe(201);
      expect(github.faults.seen.filter((seen) => seen.operation === operation)).toHaveLength(2);
    },
  );

  it("refuse GraphQL with 200 and an error", async () => {
    const { github, ask } = await aScene();
    github.faults.add({ kind: "limited", refusal: { status: 200 }, match: { surface: "graphql" } });
    const answer = await ask({ query: "{ viewer { login } }" });
    expect(answer).toMatchObject({ status: 200, body: { errors: [{ message: expect.stringMatching(/secondary/) }] } });
  });

  it("answer late by the clock", async () => {
    const clock = createVirtualClock(new Date());
    const { github } = await anOrganization({ validate: false, clock });
    const ask = askAs(github, github.installationToken("acme"));
    github.faults.add({ kind: "slow", ms: 30_000 });
    const answer = ask("/repos/acme/one");
    await expect.poll(() => clock.nextWakeAt()).toBeDefined();
    clock.advance(30_000);
    expect((await answer).status).toBe(200);
  });

  it("fail one field of a query and answer the rest", async () => {
    const { github, ask } = await aScene();
    github.faults.add({ kind: "graphql-partial", match: { graphqlField: "object" } });
    const query = `{ a: repository(owner: "acme", name: "one") { name object(expression: "HEAD:README.md") { oid } } viewer { login } }`;
    expect(await ask({ query })).toMatchObject({
      status: 200,
      body: {
        data: { a: { name: "one", object: null }, viewer: { login: "octobatch" } },
        errors: [{ path: ["a", "object"], message: expect.stringMatching(/^Something went wrong/) }],
      },
    });
    expect((await ask({ query })).body).not.toHaveProperty("errors");
  });

  it("lose the outcome of a mutation that was carried out", async () => {
    const { github, ask } = await aScene();
    const query = `mutation { createPullRequest(input: {repositoryId: "${github.repository("acme/one").nodeId}", title: "A", headRefName: "change", baseRefName: "main"}) { pullRequest { number } } }`;
    github.faults.add({ kind: "graphql-partial", when: "after", match: { graphqlField: "createPullRequest" } });
    expect((await ask({ query })).body).toMatchObject({ data: { createPullRequest: null } });
    expect(github.pullRequests()).toHaveLength(1);
    github.faults.add({ kind: "graphql-502", match: { surface: "graphql" } });
    expect(await ask({ query })).toMatchObject({ status: 502, body: { data: null } });
  });

  it("keep git from reading", async () => {
    const { github, git, cloneUrl } = await aScene();
    github.faults.add({ kind: "5xx", match: { surface: "git" } });
    const url = cloneUrl(github.installationToken("acme"));
    expect(await breaks(git("clone", url, "first"))).toBe(true);
    await git("clone", url, "second");
  });

  it("with a chance hit the same requests for the same seed", async () => {
    const hits = async (seed: number): Promise<string> => {
      const { github } = await anOrganization({ validate: false, seed });
      github.faults.add({ kind: "5xx", chance: 0.5, times: 100 });
      const statuses: number[] = [];
      for (let count = 0; count < 12; count += 1) statuses.push((await fetch(`${github.apiUrl}/meta`)).status);
      return statuses.join(" ");
    };
    const first = await hits(7);
    expect(await hits(7)).toBe(first);
    expect(await hits(8)).not.toBe(first);
    expect(new Set(first.split(" "))).toEqual(new Set(["200", "502"]));
  });

  it("refuse what contradicts itself", async () => {
    const { github } = await aScene();
    expect(() => github.faults.add({ kind: "graphql-partial" })).toThrow(/graphqlField/);
    expect(() => github.faults.add({ kind: "slow" })).toThrow(/needs ms/);
    expect(() => github.faults.add({ kind: "limited" })).toThrow(/needs its refusal/);
    expect(() => github.faults.add({ kind: "truncated", when: "before" })).toThrow(/leave out/);
    expect(() => github.faults.add({ kind: "5xx", match: { operation: "POST /pulls" } })).toThrow(/no operation/);
    expect(() => github.lags.add({ of: "ref" })).toThrow(/reads or ms/);
  });
});

describe("right after a write", () => {
  it("a pull request is missing from lists and unknown by its id for so many reads", async () => {
    const { github, ask } = await aScene();
    github.lags.add({ of: "pull-request-list", reads: 2 });
    github.lags.add({ of: "pull-request", reads: 1 });
    const { node_id: id } = (await ask(draft)).body as { node_id: string };
    expect([(await ask(byHead)).body, (await ask(byHead)).body]).toEqual([[], []]);
    expect((await ask(byHead)).body).toHaveLength(1);
    const query = `query { node(id: "${id}") { id } }`;
    expect((await ask({ query })).body).toMatchObject({
      errors: [{ type: "NOT_FOUND", message: `Could not resolve to a node with the global id of '${id}'` }],
    });
    expect((await ask({ query })).body).toEqual({ data: { node: { id } } });
    expect(github.lags.staleReads).toBe(3);
  });

  it("a branch is shown as it was for so long, but compare-and-swap knows better", async () => {
    const clock = createVirtualClock(new Date());
    const { github } = await anOrganization({ validate: false, clock });
    const ask = askAs(github, github.installationToken("acme"));
    const { git, nodeId } = github.repository("acme/one");
    const before = await git.branchHead("main");
    github.lags.add({ of: "ref", ms: 5_000, repository: "acme/one" });
    const after = await github.pushCommit("acme/one", { branch: "main", files: { "a.txt": "a\n" } });
    const sha = async (): Promise<unknown> =>
      ((await ask("/repos/acme/one/git/ref/heads/main")).body as { object: { sha: string } }).object.sha;
    const query = `{ repository(owner: "acme", name: "one") { defaultBranchRef { target { oid } } } }`;
    const oid = async (): Promise<unknown> => (await ask({ query })).body;
    const shown = (target: string | undefined): object => ({
      data: { repository: { defaultBranchRef: { target: { oid: target } } } },
    });
    expect([await sha(), await oid()]).toEqual([before, shown(before)]);
    const swap = `mutation { updateRefs(input: {repositoryId: "${nodeId}", refUpdates: [{name: "refs/heads/main", beforeOid: "${before}", afterOid: "${before}", force: true}]}) { clientMutationId } }`;
    expect((await ask({ query: swap })).body).toMatchObject({ errors: [{ type: "STALE_DATA" }] });
    clock.advance(5_000);
    expect([await sha(), await oid()]).toEqual([after, shown(after)]);
  });
});
