import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { allFunctions } from "#functions/all.ts";
import { errorBody, type ErrorBody } from "#shared/api/schemas.ts";
import { apiRequest, openFunctionWorld, specText, type FunctionWorld } from "#shared/testing/function-world.ts";
import { api } from "./api.ts";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
});
afterEach(() => world.close());

/** Asks, and answers status and error. */
async function refused(...asked: Parameters<typeof apiRequest>): Promise<readonly [number, ErrorBody["error"]]> {
  const response = await world.request(api, apiRequest(...asked));
  return [response.status, errorBody.parse(await response.json()).error];
}

/** Each line is the one before, nine times: a billion at the end. */
const laughs = [
  "a: &a0 [x]",
  ...Array.from({ length: 9 }, (_, i) => `l${i}: &a${i + 1} [${`*a${i},`.repeat(9)}]`),
].join("\n");

describe("bad input", () => {
  test("a spec that is wrong is refused with every problem and its place, and nothing is stored", async () => {
    const spec = specText({ steps: [{ run: "true", image: "alpine:3", tiemout: "1m" }] });
    const [status, error] = await refused("POST", "/campaigns", { spec, source: "campaign.yaml" });
    expect([status, error.code]).toEqual([422, "invalid-spec"]);
    expect(error.problems).toMatchObject([{ line: 8, column: 5, path: "steps[0].tiemout" }]);
    expect(error.message).toContain("campaign.yaml:8:5");
    expect(await world.call("GET", "/campaigns")).toEqual({ campaigns: [] });
  });

  test.each([
    ["a billion laughs", laughs],
    ["no YAML", "{{{{"],
    ["a character that no database keeps", `name: "a\u0000b"`],
    ["half a character", `name: "\ud800"\ndescription: "\\ud800"`],
    ["nothing", ""],
    ["a prototype", "__proto__: {}"],
  ])("%s instead of a spec is refused, with its problems", async (_, spec) => {
    const [status, error] = await refused("POST", "/campaigns", { spec });
    expect([status, error.code]).toEqual([422, "invalid-spec"]);
    expect(error.problems?.length).toBeGreaterThan(0);
  });

  test.each([
    ["a spec of two megabytes", { spec: `# ${"x".repeat(2 << 20)}` }, 422, "invalid-spec"],
    ["a body of ten megabytes", { spec: "x".repeat(10 << 20) }, 413, "too-large"],
    ["no spec", {}, 400, "invalid-request"],
    ["a spec that is no text", { spec: { version: 1 } }, 400, "invalid-request"],
  ])("%s is refused", async (_, body, status, code) => {
    expect(await refused("POST", "/campaigns", body)).toMatchObject([status, { code }]);
  });

  test("a body that is not JSON is refused as such", async () => {
    expect(await refused("POST", "/campaigns", "spec: x")).toMatchObject([400, { code: "invalid-request" }]);
  });

  test.each([
    ["GET", "/campaigns/nowhere"],
    ["POST", "/campaigns/nowhere/previews"],
    ["POST", "/campaigns/nowhere/publications"],
    ["POST", "/campaigns/nowhere/pause"],
    ["GET", "/campaigns/nowhere/repositories"],
    ["GET", "/campaigns/nowhere/repositories/acme/api/diff"],
    ["GET", "/nowhere"],
    ["DELETE", "/campaigns"],
  ])("%s %s is 404, as JSON, and says what is not there", async (method, path) => {
    const [status, { code, message }] = await refused(method, path);
    expect([status, code]).toEqual([404, "not-found"]);
    expect(message).toContain(path.includes("campaigns/") ? "no campaign nowhere" : path);
  });

  test.each([
    "/campaigns/node-24/repositories?limit=0",
    "/campaigns/node-24/repositories?limit=1001",
    "/campaigns/node-24/repositories?limit=many",
    "/campaigns/node-24/repositories?standing=sitting",
    "/audit?after=-1",
    "/audit?after=1e300",
    "/audit?campaign=%00",
    "/campaigns/%00",
    `/campaigns/${"x".repeat(64)}`,
  ])("GET %s is 400 and says which part is wrong", async (path) => {
    const [status, { code, message }] = await refused("GET", path);
    expect([status, code]).toEqual([400, "invalid-request"]);
    expect(message.length).toBeGreaterThan(10);
  });

  test.each(["", "Bearer", "Bearer another-token-of-the-right-length", "Basic YWRhOng="])(
    "a request with the authorization %j is 401, whatever it asks for",
    async (authorization) => {
      for (const path of ["/campaigns", "/campaigns/nowhere", "/audit", "/nowhere"]) {
        expect(await refused("GET", path, undefined, authorization)).toMatchObject([401, { code: "unauthorized" }]);
      }
    },
  );
});

test("what goes wrong here is 500 without a word of what it was; the log has it", async () => {
  await world.database.database.knex.raw("ALTER TABLE campaigns RENAME TO lost");
  const [status, error] = await refused("GET", "/campaigns");
  expect([status, error.code]).toEqual([500, "internal"]);
  expect(JSON.stringify(error)).not.toContain("campaigns");
  expect(JSON.stringify(world.logs)).toContain('relation \\"campaigns\\" does not exist');
});
