import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mintJobToken, type JobGrant } from "#shared/artifacts/job-token.ts";
import type { ExecutionState } from "#shared/execution/execution.ts";
import { openArtifactsWorld, type ArtifactsWorld } from "#shared/testing/artifacts-world.ts";
import { aPatch, anExecution } from "#shared/testing/builders.ts";

let world: ArtifactsWorld;
beforeAll(async () => {
  world = await openArtifactsWorld();
});
beforeEach(() => world.reset());
afterAll(() => world.close());

const name = "artifacts/attempts/0123456789ab/patch.diff";
const upload = (token: string) => world.send("PUT", name, { body: "patch", token });
const advertise = (token: string) =>
  world.send("GET", "source.git/info/refs?service=git-upload-pack", {
    token,
    headers: { "git-protocol": "version=2" },
  });

/** Every kind of request that there is, with the direction that its token needs. */
const requests = [
  ["upload", "PUT", name],
  ["upload", "PUT", "artifacts/result.json"],
  ["upload", "POST", "steps/0/log?at=0"],
  ["upload", "PUT", `cache/${"a".repeat(64)}`],
  ["source", "GET", `cache/${"a".repeat(64)}`],
  ["source", "GET", "source.git/info/refs?service=git-upload-pack"],
  ["source", "POST", "source.git/git-upload-pack"],
  ["source", "POST", "source.git/git-receive-pack"],
] as const;

async function nothingHappened(): Promise<void> {
  expect(await world.blobs.list("tidy/")).toEqual([]);
  expect(await world.blobs.list("cache/")).toEqual([]);
  expect(world.gitRequests()).toEqual([]);
}

describe.each(requests)("%s: %s %s", (direction, method, path) => {
  const ask = (token: string) => world.send(method, path, { token, ...(method !== "GET" && { body: "x" }) });

  test("needs a token of ours", async () => {
    const forged = mintJobToken([Buffer.alloc(32, 9)], {
      executionId: "x-1",
      attempt: 1,
      direction,
      expiresAt: new Date("2099-01-01"),
    });
    for (const token of ["", "x", "a.b", forged]) {
      const answer = await ask(token);
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
    await nothingHappened();
  });

  test.each<[string, Partial<JobGrant>]>([
    ["another execution", { executionId: "x-2" }],
    ["another attempt", { attempt: 2 }],
    ["the other direction", { direction: direction === "upload" ? "source" : "upload" }],
  ])("does not take a token of %s", async (_, change) => {
    expect((await ask(world.token(direction, change))).status).toBe(403);
    await nothingHappened();
  });

  test("does not take a token that has expired", async () => {
    expect((await ask(world.token(direction, { expiresAt: world.clock.now() }))).status).toBe(401);
    await nothingHappened();
  });

  test.each<[string, ExecutionState]>([
    ["was killed", { status: "cancelled", because: "killed" }],
    ["has ended", aPatch],
    ["has failed", { status: "failed", because: "exit code 1" }],
  ])("is of no use once the execution %s", async (_, state) => {
    await world.stores.executions.save({ ...world.execution, state }, world.clock.now());
    expect((await ask(world.token(direction))).status).toBe(410);
    await nothingHappened();
  });

  test("is of no use once another attempt has taken the place of this one", async () => {
    await world.stores.executions.save({ ...world.execution, attempt: 2 }, world.clock.now());
    expect((await ask(world.token(direction))).status).toBe(410);
    await nothingHappened();
  });
});

test("a token opens neither the address of another execution nor that of another attempt", async () => {
  await world.stores.executions.addAll([anExecution({ id: "x-2", state: { status: "running" } })], world.clock.now());
  for (const job of ["x-2/1", "x-1/2", "x-9/1"]) {
    const url = world.jobUrl.replace("x-1/1", job);
    const headers = { authorization: `Bearer ${world.token("source")}`, "git-protocol": "version=2" };
    expect((await fetch(`${url}/source.git/info/refs?service=git-upload-pack`, { headers })).status).toBe(403);
  }
  await nothingHappened();
});

test("an execution that is gone is told as such", async () => {
  const url = world.jobUrl.replace("x-1/1", "x-9/1");
  const headers = { authorization: `Bearer ${world.token("source", { executionId: "x-9" })}` };
  expect((await fetch(`${url}/cache/${"a".repeat(64)}`, { headers })).status).toBe(410);
});

test("an execution that nobody has noted as started is served as well", async () => {
  await world.stores.executions.save({ ...world.execution, state: { status: "pending" } }, world.clock.now());
  expect((await advertise(world.token("source"))).status).toBe(200);
  expect((await upload(world.token("upload"))).status).toBe(201);
});

test("what is logged names campaign, execution, attempt and repository, and no token", async () => {
  const tokens = [world.token("upload"), world.token("source"), world.token("upload", { attempt: 2 })];
  await upload(tokens[0] ?? "");
  await advertise(tokens[1] ?? "");
  expect((await upload(tokens[2] ?? "")).status).toBe(403);
  const lines = world.log().trim().split("\n");
  expect(lines.map((line): unknown => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ campaign: "tidy", executionId: "x-1", attempt: 1, repository: "acme/api" }),
  );
  for (const token of tokens) {
    const [payload = "", signature = ""] = token.split(".");
    expect(world.log()).not.toContain(payload);
    expect(world.log()).not.toContain(signature);
  }
  expect(world.log()).not.toMatch(/ghs_|eyJ/);
});

test("its health is told to anybody", async () => {
  const answer = await fetch(new URL("/healthz", world.jobUrl));
  expect([answer.status, await answer.json()]).toEqual([200, { postgres: "ok" }]);
});
