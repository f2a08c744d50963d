import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { executionReported } from "#eventing/execution.ts";
import { artifactPrefix } from "#shared/execution/execution.ts";
import { serializeTransformResult, type TransformOutcome } from "#shared/execution/transform-result.ts";
import { BlobStoreUnavailable } from "#shared/ports/blob-store.ts";
import { openArtifactsWorld, sha256Of, type ArtifactsWorld } from "#shared/testing/artifacts-world.ts";
import { aPatch } from "#shared/testing/builders.ts";

let world: ArtifactsWorld;
beforeAll(async () => {
  world = await openArtifactsWorld({ limits: { patchBytes: 100_000, logBytes: 10_000 } });
});
beforeEach(() => world.reset());
afterAll(() => world.close());

const go = "attempts/0123456789ab";
const keyOf = (name: string) => `${artifactPrefix(world.execution)}/${name}`;
const put = (name: string, body: string, token?: string) =>
  world.send("PUT", `artifacts/${name}`, { body, ...(token !== undefined && { token }) });
const kept = async (name: string) => Buffer.from(await world.blobs.get(keyOf(name))).toString();
const everything = () => world.blobs.list("tidy/");

function result(outcome: TransformOutcome = { status: "no-change" }, logs: readonly string[] = []): string {
  const steps = logs.map((name, index) => {
    return { index, status: "ran" as const, durationMs: 1, logKey: keyOf(name), logTruncated: false, outputs: {} };
  });
  const timings = { fetchMs: 1, stepsMs: 1, diffMs: 1 };
  return Buffer.from(serializeTransformResult({ version: 1, executionId: "x-1", outcome, steps, timings })).toString();
}
const patched = (): TransformOutcome => ({
  status: "patch",
  patch: { key: keyOf(`${go}/patch.diff`), sizeBytes: 4 },
  changes: { key: keyOf(`${go}/changes.json`) },
  tree: aPatch.tree,
  baseTree: aPatch.tree,
  statistics: { files: [], ...aPatch.statistics },
});
const reports = () => world.database.database.knex("tasks").where({ type: executionReported.type });

describe("an artifact", () => {
  test.each([`${go}/patch.diff`, `${go}/changes.json`, `${go}/steps/0.log`, `${go}/steps/49.log`])(
    "%s is kept as it is",
    async (name) => {
      const answer = await put(name, "one\r\ntwo\0");
      expect(answer.status).toBe(201);
      expect(await answer.json()).toEqual({ key: keyOf(name), sizeBytes: 9 });
      expect(await kept(name)).toBe("one\r\ntwo\0");
    },
  );

  test("is written once: the same bytes again are a success, others are refused", async () => {
    const name = `${go}/steps/0.log`;
    expect((await put(name, "first")).status).toBe(201);
    expect((await put(name, "first")).status).toBe(200);
    const other = await put(name, "other");
    expect(other.status).toBe(409);
    expect(await other.json()).toMatchObject({ error: { code: "conflict" } });
    expect(await kept(name)).toBe("first");
  });

  test("may be empty", async () => {
    expect((await put(`${go}/steps/0.log`, "")).status).toBe(201);
    expect(await kept(`${go}/steps/0.log`)).toBe("");
  });

  test("that several hand in at once is kept once, whole", async () => {
    const bodies = Array.from({ length: 8 }, (_, index) => String(index).repeat(50_000));
    const answers = await Promise.all(bodies.map((body) => put(`${go}/patch.diff`, body)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 409)).toHaveLength(7);
    expect(await kept(`${go}/patch.diff`)).toBe(bodies[statuses.indexOf(201)]);
  });

  test("with another checksum than was said is not kept", async () => {
    const headers = { "x-octobatch-sha256": sha256Of("something else") };
    const answer = await world.send("PUT", `artifacts/${go}/patch.diff`, { body: "patch", headers });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ error: { code: "mismatch" } });
    expect(await everything()).toEqual([]);
  });

  test.each([[""], ["abc"], [sha256Of("x").toUpperCase()]])("needs its checksum, which %j is not", async (sha256) => {
    const headers = { "x-octobatch-sha256": sha256 };
    const answer = await world.send("PUT", `artifacts/${go}/patch.diff`, { body: "patch", headers });
    expect(answer.status).toBe(400);
    expect(await everything()).toEqual([]);
  });

  test.each([
    ["patch.diff", 100_000],
    ["steps/0.log", 10_000 + 1_024],
    ["changes.json", 2 << 20],
  ])("%s may have %i bytes and no more", async (name, limit) => {
    expect((await put(`${go}/${name}`, "x".repeat(limit + 1))).status).toBe(413);
    expect(await everything()).toEqual([]);
    expect((await put(`${go}/${name}`, "x".repeat(limit))).status).toBe(201);
  });

  test("of another name is not taken", async () => {
    for (const name of [
      "patch.diff",
      "other.json",
      `${go}/result.json`,
      `attempts/x/patch.diff`,
      `${go}/steps/a.log`,
    ]) {
      expect([name, (await put(name, "x")).status]).toEqual([name, 404]);
    }
    expect(await everything()).toEqual([]);
  });
});

describe("a result", () => {
  test("ends the attempt: it is kept, and its collection is asked for", async () => {
    for (const name of ["patch.diff", "changes.json", "steps/0.log"]) await put(`${go}/${name}`, "text");
    const before = world.kicks();
    expect((await put("result.json", result(patched(), [`${go}/steps/0.log`]))).status).toBe(201);
    expect(await kept("result.json")).toBe(result(patched(), [`${go}/steps/0.log`]));
    expect(await reports()).toMatchObject([
      { data: { executionId: "x-1", attempt: 1 }, organization: "acme", state: "due" },
    ]);
    expect(world.kicks()).toBe(before + 1);
  });

  test("again changes nothing, and is reported if a crash came before the report", async () => {
    await put("result.json", result());
    await reports().delete();
    expect((await put("result.json", result())).status).toBe(200);
    expect((await put("result.json", result())).status).toBe(200);
    expect(await reports()).toHaveLength(1);
  });

  test("with other bytes does not take its place", async () => {
    await put(`${go}/steps/0.log`, "text");
    await put("result.json", result());
    await reports().delete();
    expect((await put("result.json", result(undefined, [`${go}/steps/0.log`]))).status).toBe(409);
    expect(await kept("result.json")).toBe(result());
    expect(await reports()).toEqual([]);
  });

  test("closes the attempt: nothing more is taken with the same token", async () => {
    await put("result.json", result());
    expect((await put(`${go}/patch.diff`, "late")).status).toBe(409);
    expect(await everything()).toEqual([keyOf("result.json")]);
  });

  test.each<[string, () => string]>([
    ["that is none", () => "{}"],
    ["that is no JSON", () => "\u0000"],
    ["that names what was not handed in", () => result(patched())],
    ["of another execution", () => result().replace("x-1", "x-2")],
  ])("%s is refused and not kept", async (_, body) => {
    const answer = await put("result.json", body());
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      error: { message: expect.stringMatching(/^The result is refused: /) },
    });
    expect(await everything()).toEqual([]);
    expect(await reports()).toEqual([]);
  });

  test("of which the checksum is wrong is refused and not kept", async () => {
    const headers = { "x-octobatch-sha256": sha256Of("something else") };
    expect((await world.send("PUT", "artifacts/result.json", { body: result(), headers })).status).toBe(422);
    expect(await everything()).toEqual([]);
    expect(await reports()).toEqual([]);
  });
});

describe("an entry of the step cache", () => {
  const key = "ab".repeat(32);
  const source = { token: "" };
  beforeEach(() => {
    source.token = world.token("source");
  });

  test("is kept by its key, once, and read by Jobs that fetch", async () => {
    expect((await world.send("GET", `cache/${key}`, source)).status).toBe(404);
    expect((await world.send("PUT", `cache/${key}`, { body: "entry" })).status).toBe(201);
    expect((await world.send("PUT", `cache/${key}`, { body: "entry" })).status).toBe(200);
    expect((await world.send("PUT", `cache/${key}`, { body: "other" })).status).toBe(409);
    const answer = await world.send("GET", `cache/${key}`, source);
    expect([answer.status, answer.headers.get("content-length")]).toEqual([200, "5"]);
    expect(await answer.text()).toBe("entry");
    expect(await world.blobs.list("cache/")).toEqual([`cache/ab/${key}`]);
  });

  test("has a key of 64 hex digits, and nothing else is read by one", async () => {
    await put(`${go}/steps/0.log`, "secret");
    for (const wrong of [key.toUpperCase(), key.slice(1), `${key}0`, "result.json"]) {
      const answers = [
        await world.send("GET", `cache/${wrong}`, source),
        await world.send("PUT", `cache/${wrong}`, { body: "x" }),
      ];
      expect([wrong, ...answers.map(({ status }) => status)]).toEqual([wrong, 404, 404]);
    }
  });
});

describe("a live log", () => {
  const append = (query: string, body: string) => world.send("POST", `steps/0/log?${query}`, { body });
  const read = async () => {
    const { chunks } = await world.stores.liveLogs.read({ executionId: "x-1", attempt: 1 }, { step: 0, offset: 0 });
    return chunks.map(({ bytes }) => Buffer.from(bytes).toString()).join("");
  };

  test("grows by what a step prints, whichever piece comes twice", async () => {
    expect((await append("at=0", "one ")).status).toBe(204);
    expect((await append("at=4", "two ")).status).toBe(204);
    expect((await append("at=4", "two ")).status).toBe(204);
    expect((await append("at=8&status=failed&exitCode=3&durationMs=1500", "three")).status).toBe(204);
    expect(await read()).toBe("one two three");
    const { chunks } = await world.stores.liveLogs.read({ executionId: "x-1", attempt: 1 }, { step: 0, offset: 0 });
    expect(chunks.at(-1)?.end).toEqual({ status: "failed", exitCode: 3, durationMs: 1500 });
  });

  test.each(["", "at=-1", "at=1e3", "at=0&status=dead", "at=0&more=1", "at=99999999999999"])(
    "is asked for properly: %j is not",
    async (query) => {
      expect((await append(query, "x")).status).toBe(400);
      expect(await read()).toBe("");
    },
  );

  test("ends at its limit", async () => {
    expect((await append("at=10000", "x".repeat(1_025))).status).toBe(413);
    expect((await append("at=999999999999", "x")).status).toBe(413);
    expect((await append("at=0", "x".repeat((1 << 20) + 1))).status).toBe(413);
    expect(await read()).toBe("");
  });

  test("belongs to a step that a spec can have", async () => {
    for (const step of ["-1", "00", "1000", "a", "0.5"]) {
      const { status } = await world.send("POST", `steps/${step}/log?at=0`, { body: "x" });
      expect([step, status]).toEqual([step, 404]);
    }
  });
});

test("while the storage is down a Job is told to come back", async () => {
  const down = async () => {
    throw new BlobStoreUnavailable("The storage is down.");
  };
  const other = await openArtifactsWorld({ blobs: { ...createMemoryBlobStore(), putStream: down } });
  const answer = await other.send("PUT", `artifacts/${go}/patch.diff`, { body: "patch" });
  await other.close();
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
});
