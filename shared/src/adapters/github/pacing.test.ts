import { describe, expect, test } from "vitest";
import { CodeHostBusy, CodeHostUnavailable, type RepositoryRef } from "../../ports/code-host.ts";
import {
  PacingUnavailable,
  type PacedOutcome,
  type PacedRequest,
  type Pacing,
  type PacingAnswer,
} from "../../ports/pacing.ts";
import { fakeGitHub, fakeNow } from "./testing/fake-github.ts";

const repository: RepositoryRef = { id: 5, nodeId: "R_5", owner: "acme", name: "api" };
const refPath = "/repos/acme/api/git/ref/heads%2Fcampaign%2F1";
const head = { body: { ref: "refs/heads/campaign/1", object: { sha: "a".repeat(40) } } };
const pullDraft = { headBranch: "campaign/1", baseBranch: "main", title: "t", body: "b", draft: false };
const inMs = (ms: number) => new Date(fakeNow.getTime() + ms);

/** A budget that notes who asked and what it was told; it has room unless `waits` says otherwise. */
function notingPacing(waits: readonly number[] = []) {
  const taken: (PacedRequest & { readonly installation: string })[] = [];
  const told: PacedOutcome[] = [];
  let open = 0;
  const delays = [...waits];
  const pacing: Pacing = {
    async take(installation, request): Promise<PacingAnswer> {
      const delayMs = delays.shift();
      if (delayMs !== undefined) return { kind: "wait", until: inMs(delayMs), because: "the hour's budget is spent" };
      taken.push({ installation, ...request });
      open += 1;
      return { kind: "go", turn: { id: String(taken.length), installation } };
    },
    async done(_, outcome) {
      told.push(outcome);
      open -= 1;
    },
    book: async () => ({ kind: "go" }),
    async loseAllTurns() {},
    async check() {},
  };
  return { pacing, taken, told, open: () => open };
}

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("each request to GitHub takes one turn and gives it back: that", () => {
  test("for the App's own questions, for tokens, for reads and for each time they are sent again", async () => {
    const paced = notingPacing();
    const broken = { status: 502, body: { message: "Server Error" } };
    const { codeHost, calls } = fakeGitHub(
      { [`GET ${refPath}`]: [broken, new TypeError("fetch failed"), head] },
      paced,
    );
    await codeHost.branchHead(repository, "campaign/1");
    expect(paced.taken.map(({ installation, kind }) => `${installation} ${kind}`)).toEqual([
      "app 1 read",
      "app 1 write",
      "7 read",
      "7 read",
      "7 read",
    ]);
    expect([calls.length, paced.told.length, paced.open()]).toEqual([5, 5, 0]);
  });

  test("for each hop of a redirect, and for a token that has to be made again", async () => {
    const paced = notingPacing();
    const { codeHost, calls } = fakeGitHub(
      {
        "POST /repos/acme/api/issues/3/labels": [
          { status: 307, headers: { location: "/repositories/5/issues/3/labels" } },
        ],
        "POST /repositories/5/issues/3/labels": [{ status: 401, body: { message: "Bad credentials" } }, { body: [] }],
      },
      paced,
    );
    await codeHost.addLabels(repository, 3, ["campaign"]);
    expect(calls.length).toBe(7);
    expect([paced.taken.length, paced.told.length, paced.open()]).toEqual([7, 7, 0]);
  });

  test("says what it costs: a pull request is content, moving a branch a write of GraphQL, a code search its own", async () => {
    const paced = notingPacing();
    const { codeHost } = fakeGitHub({ "POST /repos/acme/api/pulls": [{ status: 500, body: { message: "" } }] }, paced);
    await errorOf(codeHost.openPullRequest(repository, pullDraft));
    await errorOf(codeHost.moveBranch(repository, { branch: "b", from: undefined, to: "a".repeat(40) }));
    await errorOf(codeHost.codeSearchPage({ organization: "acme", query: "x", files: [] }));
    await errorOf(codeHost.addLabels(repository, 3, ["campaign"]));
    const asked = paced.taken.filter(({ installation }) => installation === "7");
    expect(asked).toMatchObject([
      { resource: "core", kind: "write", createsContent: true, cost: 1 },
      { resource: "graphql", kind: "write", createsContent: false },
      { resource: "code_search", kind: "read", createsContent: false },
      { resource: "core", kind: "write", createsContent: false },
    ]);
  });

  test("with the price that GraphQL named the last time", async () => {
    const rateLimit = { cost: 3, limit: 5000, remaining: 4000, resetAt: "2030-01-02T04:00:00Z" };
    const data = {
      rateLimit,
      repositoryOwner: { repositories: { pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] } },
    };
    const paced = notingPacing();
    const { codeHost } = fakeGitHub({ "POST /graphql": [{ body: { data } }] }, paced);
    await codeHost.organizationPage({ organization: "acme", files: [] });
    await codeHost.organizationPage({ organization: "acme", files: [] });
    expect(paced.taken.slice(2).map(({ cost }) => cost)).toEqual([1, 3]);
    expect(paced.told.at(-1)).toEqual({
      budget: { resource: "graphql", limit: 5000, remaining: 4000, resetAt: new Date("2030-01-02T04:00:00Z") },
    });
  });

  test("with an appointment for those who have to wait, which costs no request", async () => {
    const paced = notingPacing();
    const booked: unknown[] = [];
    const until = inMs(90_000);
    const book: Pacing["book"] = async (installation, errand) => {
      booked.push({ installation, ...errand });
      return booked.length > 1 ? { kind: "go" } : { kind: "wait", until, because: "500 an hour" };
    };
    const { codeHost, asked } = fakeGitHub({}, { pacing: { ...paced.pacing, book } });
    const size = { opens: true, additions: 2, asksForReview: true, asksTeams: false };
    const refused = await errorOf(codeHost.assertRoomToPublish(repository, size));
    expect(refused).toBeInstanceOf(CodeHostBusy);
    expect(refused).toMatchObject({ retryAt: until, message: expect.stringContaining("500 an hour") });
    await codeHost.assertRoomToPublish(repository, {
      opens: false,
      additions: 0,
      asksForReview: false,
      asksTeams: false,
    });
    expect(booked).toEqual([
      { installation: "7", reads: 1, writes: 5, contents: 2 },
      { installation: "7", reads: 3, writes: 3, contents: 0 },
    ]);
    expect(asked()).toEqual([]);
  });

  test("and where appointments cannot be had, GitHub counts as unavailable", async () => {
    const book = async () => Promise.reject(new PacingUnavailable("Redis does not answer."));
    const { codeHost } = fakeGitHub({}, { pacing: { ...notingPacing().pacing, book } });
    const size = { opens: true, additions: 0, asksForReview: false, asksTeams: false };
    const refused = await errorOf(codeHost.assertRoomToPublish(repository, size));
    expect(refused).toBeInstanceOf(CodeHostUnavailable);
    expect(refused).toMatchObject({ message: expect.stringContaining("Redis does not answer.") });
  });

  test("with the urgency of the work, which is that of a publication unless it is said", async () => {
    const paced = notingPacing();
    const { codeHost } = fakeGitHub({ [`GET ${refPath}`]: [head] }, paced);
    await codeHost.branchHead(repository, "campaign/1");
    await codeHost.withUrgency("sweep").branchHead(repository, "campaign/1");
    await codeHost.withUrgency("sweep").withUrgency("interactive").branchHead(repository, "campaign/1");
    expect(paced.taken.slice(2).map(({ urgency }) => urgency)).toEqual(["publish", "sweep", "interactive"]);
  });

  test("also when it is lost, and when giving it back fails", async () => {
    const paced = notingPacing();
    const done = async () => Promise.reject(new PacingUnavailable("no answer"));
    const { codeHost, logged } = fakeGitHub({ [`GET ${refPath}`]: [head] }, { pacing: { ...paced.pacing, done } });
    expect(await codeHost.branchHead(repository, "campaign/1")).toBe("a".repeat(40));
    expect(logged.join()).toContain("Could not give back a turn");
  });
});

describe("when there is no room", () => {
  test("a short wait happens at once", async () => {
    const paced = notingPacing([300, 1200]);
    const { codeHost, delaysMs } = fakeGitHub({}, paced);
    await codeHost.check().catch(() => {});
    expect(delaysMs).toEqual([300, 1200]);
    expect(paced.taken).toHaveLength(1);
  });

  test("a longer wait sends the work back to the due-table, and nothing to GitHub", async () => {
    for (const waits of [[2001], [1500, 600]]) {
      const { codeHost, calls } = fakeGitHub({}, notingPacing(waits));
      const error = await errorOf(codeHost.check());
      expect(error).toBeInstanceOf(CodeHostBusy);
      expect(error).toMatchObject({ retryAt: inMs(waits.at(-1) ?? 0) });
      expect(String(error)).toContain("Could not sign in to GitHub as the App now: the hour's budget is spent.");
      expect(calls).toEqual([]);
    }
  });

  test("a write that had no turn was not sent, so its caller may repeat it", async () => {
    const paced = notingPacing();
    const { codeHost, asked } = fakeGitHub({ [`GET ${refPath}`]: [head] }, paced);
    await codeHost.branchHead(repository, "campaign/1");
    const full = {
      ...paced.pacing,
      take: async () => ({ kind: "wait", until: inMs(60_000), because: "full" }) as const,
    };
    const other = fakeGitHub({}, { pacing: full });
    expect(await errorOf(other.codeHost.openPullRequest(repository, pullDraft))).toBeInstanceOf(CodeHostBusy);
    expect([asked().length, other.calls.length]).toEqual([1, 0]);
  });

  test("nor a way to know, GitHub is not asked", async () => {
    const take = async () => Promise.reject(new PacingUnavailable("Redis cannot be reached"));
    const { codeHost, calls } = fakeGitHub({}, { pacing: { ...notingPacing().pacing, take } });
    const error = await errorOf(codeHost.check());
    expect(error).toBeInstanceOf(CodeHostUnavailable);
    expect(String(error)).toContain("Redis cannot be reached");
    expect(calls).toEqual([]);
  });
});

describe("what GitHub says of its limits reaches all who share the budget:", () => {
  const resetSeconds = Math.floor(fakeNow.getTime() / 1000) + 1800;
  const counted = {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-reset": String(resetSeconds),
    "x-ratelimit-resource": "core",
  };
  const budget = { resource: "core", limit: 5000, resetAt: new Date(resetSeconds * 1000) };

  async function toldOf(...answers: readonly { status?: number; headers?: Record<string, string>; body: unknown }[]) {
    const paced = notingPacing();
    const { codeHost } = fakeGitHub({ [`GET ${refPath}`]: answers }, paced);
    for (const _ of answers) await errorOf(codeHost.branchHead(repository, "campaign/1"));
    return paced.told.slice(2);
  }

  test("the budget after every answer", async () => {
    const headers = { ...counted, "x-ratelimit-remaining": "4999" };
    expect(await toldOf({ ...head, headers })).toEqual([{ budget: { ...budget, remaining: 4999 } }]);
  });

  test("a spent budget stops those who need it until it is renewed, and nobody else", async () => {
    const headers = { ...counted, "x-ratelimit-remaining": "0" };
    const spent = { status: 403, headers, body: { message: "API rate limit exceeded for installation ID 7." } };
    expect(await toldOf(spent)).toEqual([{ budget: { ...budget, remaining: 0 } }]);
  });

  test("Retry-After stops everybody for as long as it says", async () => {
    const slow = { status: 403, headers: { "retry-after": "7" }, body: { message: "secondary rate limit" } };
    expect(await toldOf(slow)).toEqual([{ slowDown: { until: inMs(7000) } }]);
  });

  test("a secondary limit without a time is told without one: for how long everybody waits, the pacing says", async () => {
    const slow = { status: 403, body: { message: "You have exceeded a secondary rate limit." } };
    const quickly = { status: 422, body: { message: "was submitted too quickly" } };
    expect(await toldOf(slow, quickly, slow, head, slow)).toEqual([
      { slowDown: {} },
      { slowDown: {} },
      { slowDown: {} },
      {},
      { slowDown: {} },
    ]);
  });

  test("GraphQL says it with status 200", async () => {
    const paced = notingPacing();
    const errors = [{ message: "You have exceeded a secondary rate limit.", type: "RATE_LIMITED" }];
    const { codeHost } = fakeGitHub({ "POST /graphql": [{ body: { data: null, errors } }] }, paced);
    const error = await errorOf(codeHost.organizationPage({ organization: "acme", files: [] }));
    expect(error).toMatchObject({ name: "CodeHostBusy", retryAt: inMs(60_000) });
    expect(paced.told.at(-1)).toEqual({ slowDown: {} });
  });
});
