import { describe, expect, test } from "vitest";
import { CliError } from "./cli-error.ts";
import { exitCodes } from "./exit-codes.ts";
import { createHttpClient, type ApiRequest } from "./http-client.ts";
import { Interruption } from "./io.ts";
import { createTestIo } from "./testing/test-io.ts";

const read: ApiRequest = { method: "GET", path: "/api/v1/campaigns" };
const change: ApiRequest = { method: "POST", path: "/api/v1/campaigns", body: { spec: "" } };

/** A client whose server gives these answers, one after the other: a status, or no answer at all. */
function clientOf(answers: readonly (number | "refused" | Response)[], source = "--url") {
  const left = [...answers];
  const requests: Request[] = [];
  const io = createTestIo({
    fetch: async (input, init) => {
      requests.push(new Request(input, init));
      const answer = left.shift();
      if (answer === undefined) throw new Error("the test has no more answers");
      if (answer instanceof Response) return answer;
      if (answer === "refused") {
        throw new TypeError("fetch failed", { cause: Object.assign(new Error("no"), { code: "ECONNREFUSED" }) });
      }
      return new Response(answer === 200 ? "{}" : "", { status: answer });
    },
  });
  const http = createHttpClient({ url: "http://server.test/base", token: "secret", source }, io);
  return { http, io, requests };
}

async function failure(promise: Promise<unknown>): Promise<CliError> {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CliError)) throw error;
  return error;
}

test("sends the token and stays below a path in the address", async () => {
  const { http, requests } = clientOf([200]);
  await http(read);
  expect(requests[0]?.url).toBe("http://server.test/base/api/v1/campaigns");
  expect(requests[0]?.headers.get("authorization")).toBe("Bearer secret");
});

describe("a read", () => {
  test("is tried again while the server, which has answered before, restarts", async () => {
    const { http, io, requests } = clientOf([200, "refused", "refused", 503, 200]);
    await http(read);
    await http(read);
    expect(requests).toHaveLength(5);
    expect(io.slept).toEqual([250, 500, 1000]);
  });

  test("gives up after half a minute", async () => {
    const { http, io } = clientOf([200, ...Array.from({ length: 10 }, () => "refused" as const)]);
    await http(read);
    expect((await failure(http(read))).exitCode).toBe(exitCodes.unavailable);
    expect(io.slept.reduce((sum, ms) => sum + ms)).toBe(29_750);
  });

  test("fails at once when the server was never there, and says where its address comes from", async () => {
    const { http, io } = clientOf(["refused"], "/data/connection.json");
    const error = await failure(http(read));
    expect(error.message).toBe("http://server.test/base cannot be reached: nothing listens there.");
    expect(error.remedy).toContain("/data/connection.json. Start the server again with `octobatch dev`");
    expect(io.slept).toEqual([]);
  });

  test("may be a POST, when who asks knows that it changes nothing", async () => {
    const { http, requests } = clientOf([503, 200]);
    await http({ ...change, isRead: true });
    expect(requests.map(({ method }) => method)).toEqual(["POST", "POST"]);
  });

  test("that the service wants later is left to who asks, with the time", async () => {
    const busy = { error: { code: "github-busy", message: "The budget is used up." } };
    const { http, io } = clientOf([Response.json(busy, { status: 503, headers: { "retry-after": "42" } })]);
    expect(await failure(http(read))).toMatchObject({ code: "github-busy", retryAfterMs: 42_000 });
    expect(io.slept).toEqual([]);
  });

  test("that a proxy wants later is tried again as any other", async () => {
    const { http, io } = clientOf([new Response("", { status: 503, headers: { "retry-after": "42" } }), 200]);
    await http(read);
    expect(io.slept).toEqual([250]);
  });

  test("ends when the person interrupts it", async () => {
    const { http, io } = clientOf([503]);
    const interruption = new Interruption("SIGINT");
    io.interrupt(interruption);
    await expect(http(read)).rejects.toBe(interruption);
  });
});

test("a change is sent once, whatever happens to its answer", async () => {
  const { http, requests } = clientOf([200, 503, "refused"]);
  await http(read);
  expect((await failure(http(change))).exitCode).toBe(exitCodes.unavailable);
  expect((await failure(http(change))).exitCode).toBe(exitCodes.unavailable);
  expect(requests).toHaveLength(3);
});

test.each([
  [401, "unauthorized", exitCodes.denied],
  [404, "not-found", exitCodes.notFound],
  [409, "conflict", exitCodes.conflict],
  [422, "invalid-spec", exitCodes.invalidSpec],
  [422, "invalid", exitCodes.refused],
  [500, "internal", exitCodes.refused],
])("HTTP %i %s keeps the service's words", async (status, code, exitCode) => {
  const { http } = clientOf([Response.json({ error: { code, message: "Because." } }, { status })]);
  expect(await failure(http(read))).toMatchObject({ code, message: "Because.", exitCode });
});

test("an answer that is none of Octobatch's says so, and a redirect is not followed", async () => {
  const { http, requests } = clientOf([
    new Response("<html>", { status: 302, headers: { location: "https://login.test" } }),
  ]);
  const error = await failure(http(change));
  expect(error.exitCode).toBe(exitCodes.notUnderstood);
  expect(error.message).toContain("HTTP 302 and points to https://login.test");
  expect(requests[0]?.redirect).toBe("manual");
});
