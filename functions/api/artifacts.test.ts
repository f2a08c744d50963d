import { afterEach, beforeEach, expect, test } from "vitest";
import { executionReported } from "#eventing/execution.ts";
import { allFunctions } from "#functions/all.ts";
import { artifactsBody } from "#shared/api/artifacts.ts";
import { errorBody } from "#shared/api/schemas.ts";
import type { BlobDownload } from "#shared/ports/blob-store.ts";
import { apiRequest, openFunctionWorld, specText, writes, type FunctionWorld } from "#shared/testing/function-world.ts";
import { api, createApi } from "./api.ts";
import { apiNeeds } from "./capabilities.ts";

const place = "/campaigns/node-24/repositories/acme/api/artifacts";

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions, transform: () => writes({ ".nvmrc": "24\n" }) });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
});
afterEach(() => world.close());

async function previewed(): Promise<void> {
  await world.preview(specText());
  await world.settle();
}
const ask = (path: string) => world.request(api, apiRequest("GET", `${place}${path}`));
async function refused(path: string) {
  const response = await ask(path);
  return [response.status, errorBody.parse(await response.json()).error] as const;
}

test("what is kept is listed with its size", async () => {
  await previewed();
  const { artifacts } = artifactsBody.parse(await (await ask("")).json());
  expect(artifacts.map(({ sizeBytes: _, ...rest }) => rest)).toEqual([
    { kind: "result", fileName: "result.json" },
    { kind: "patch", fileName: "patch.diff" },
    { kind: "changes", fileName: "changes.json" },
    { kind: "log", step: 0, fileName: "step-1.log" },
  ]);
  for (const { kind, sizeBytes } of artifacts) {
    expect([kind, (await (await ask(`/${kind}`)).bytes()).length]).toEqual([kind, sizeBytes]);
  }
});

test("a download is an attachment that nobody keeps, and no page", async () => {
  await previewed();
  const response = await ask("/patch");
  expect(await response.text()).toContain("+24");
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/x-diff",
    "content-length": expect.stringMatching(/^\d+$/),
    "content-disposition": 'attachment; filename="patch.diff"',
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  expect(await (await ask("/log?step=0")).text()).toBe("ran 1 steps\n");
});

test("where the storage has links, a download leads there for some minutes", async () => {
  await previewed();
  const asked: [string, BlobDownload][] = [];
  const granted = world.opened.grant(apiNeeds);
  const link = async (key: string, download: BlobDownload) => {
    asked.push([key, download]);
    return "https://storage.test/bucket/key?signature=abc";
  };
  const app = createApi({ ...granted, blobs: { ...granted.blobs, link } });
  const response = await app.fetch(apiRequest("GET", `${place}/changes`));
  expect([response.status, response.headers.get("location"), response.headers.get("cache-control")]).toEqual([
    302,
    "https://storage.test/bucket/key?signature=abc",
    "no-store",
  ]);
  expect(asked).toEqual([
    [
      expect.stringMatching(/^node-24\//),
      { fileName: "changes.json", contentType: "application/json", forMs: 5 * 60_000 },
    ],
  ]);
});

test("what has expired is not there, with the remedy", async () => {
  await previewed();
  for (const key of await world.blobs.list("node-24/")) {
    if (!key.endsWith("result.json")) await world.blobs.remove(key);
  }
  expect(artifactsBody.parse(await (await ask("")).json()).artifacts.map(({ kind }) => kind)).toEqual(["result"]);
  const expired = [404, { code: "not-found", message: expect.stringContaining("octobatch preview node-24") }] as const;
  expect(await refused("/patch")).toMatchObject(expired);
  for (const key of await world.blobs.list("node-24/")) await world.blobs.remove(key);
  for (const path of ["", "/result", "/log"]) expect(await refused(path)).toMatchObject(expired);
});

test("a patch that the execution does not own to is not handed out", async () => {
  await previewed();
  const [execution] = await world.database.database.knex("executions").select<{ id: string }[]>("id");
  const { state: _, ...rest } = await world.stores.executions.get(execution?.id ?? "");
  await world.stores.executions.save(
    { ...rest, state: { status: "failed", because: "it is harmful" } },
    world.clock.now(),
  );
  const [status, { message }] = await refused("/patch");
  expect([status, message]).toEqual([404, "There is no patch; there is: result, log."]);
});

test("what is not there yet, or no artifact at all, is refused", async () => {
  await world.preview(specText());
  await world.settle({ stopBefore: executionReported });
  expect((await refused(""))[0]).toBe(409);
  expect((await refused("/passwords"))[0]).toBe(400);
  await world.call("POST", "/campaigns/node-24/kill");
  expect(await refused("/patch")).toMatchObject([404, { message: expect.stringContaining("left nothing") }]);
});

test("a step that there is not has no log", async () => {
  await previewed();
  expect((await refused("/log?step=7"))[1].message).toContain("no log of the step with index 7");
});
