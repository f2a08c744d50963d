import { sign } from "@octokit/webhooks-methods";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetNudged } from "#eventing/changeset.ts";
import { allFunctions } from "#functions/all.ts";
import { openFunctionWorld, specText, webhookSecret, type FunctionWorld } from "#shared/testing/function-world.ts";
import { receiveWebhook } from "./receive-webhook.ts";

let world: FunctionWorld;
let deliveries = 0;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions });
});
afterEach(() => world.close());

interface Delivery {
  readonly event: string;
  readonly payload: unknown;
  readonly id?: string;
  /** Instead of the payload as JSON. */
  readonly body?: string;
  /** Instead of the right one; null leaves it out. */
  readonly signature?: string | null;
}

/** Delivers as GitHub does, and answers status and text. */
async function deliver(delivery: Delivery): Promise<readonly [number, string]> {
  deliveries += 1;
  const { event, payload, id = `delivery-${deliveries}`, body = JSON.stringify(payload) } = delivery;
  const signature = delivery.signature === undefined ? await sign(webhookSecret, body) : delivery.signature;
  const headers = {
    "content-type": "application/json",
    "x-github-event": event,
    "x-github-delivery": id,
    ...(signature === null ? {} : { "x-hub-signature-256": signature }),
  };
  const request = new Request("http://f.test/webhooks/github", { method: "POST", headers, body });
  const response = await world.request(receiveWebhook, request);
  return [response.status, await response.text()];
}
const stored = () => world.database.database.knex("webhook_deliveries");
const nudges = () => world.bus.published.filter(({ type }) => type === changesetNudged.type);

describe("about a pull request of ours", () => {
  const merged = {
    event: "pull_request",
    payload: { action: "closed", repository: { id: 1 }, pull_request: { number: 1 } },
  };
  beforeEach(async () => {
    world.codeHost.addRepository({ owner: "acme", name: "api", files: { ".nvmrc": "22\n" } });
    await world.preview(specText());
    await world.settle();
    await world.call("POST", "/campaigns/node-24/publications");
    await world.settle();
  });

  test("it is answered at once, and the truth is read from GitHub", async () => {
    expect((await deliver(merged))[0]).toBe(202);
    await world.settle();
    expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({ standings: { open: 1 } });
    world.codeHost.mergeAsHuman("acme/api", 1);
    await deliver(merged);
    await world.settle();
    expect(await world.call("GET", "/campaigns/node-24")).toMatchObject({ standings: { merged: 1 } });
  });

  test("the same delivery many times, at the same moment too, is acted on once", async () => {
    const once = { ...merged, id: "the-same" };
    const answers = await Promise.all([deliver(once), deliver(once), deliver(once)]);
    expect(answers.map(([status]) => status)).toEqual([202, 202, 202]);
    expect(await deliver(once)).toEqual([202, "processed before\n"]);
    expect(await stored()).toHaveLength(1);
    expect(nudges()).toHaveLength(1);
  });

  test("a push to its branch is looked at, one to another branch or of a tag is not", async () => {
    const push = (ref: string) => ({ event: "push", payload: { ref, repository: { id: 1 } } });
    expect((await deliver(push("refs/heads/campaign/node-24/1/acme-api")))[1]).toContain("looking at c-");
    expect(await deliver(push("refs/heads/main"))).toEqual([202, "no changeset is about it\n"]);
    expect(await deliver(push("refs/tags/v1"))).toEqual([202, "refs/tags/v1 is no branch\n"]);
    expect(nudges()).toHaveLength(1);
  });

  test("a crash before the answer leaves nothing behind, so that GitHub's redelivery is acted on", async () => {
    const { knex } = world.database.database;
    await knex.raw("ALTER TABLE tasks RENAME TO lost");
    await expect(deliver({ ...merged, id: "the-same" })).rejects.toThrow('relation "tasks" does not exist');
    await knex.raw("ALTER TABLE lost RENAME TO tasks");
    expect(await stored()).toEqual([]);
    expect((await deliver({ ...merged, id: "the-same" }))[1]).toContain("looking at c-");
  });
});

test("where the App is installed is kept current", async () => {
  const installation = { id: 7, account: { login: "acme" }, suspended_at: null };
  const say = (action: string) => deliver({ event: "installation", payload: { action, installation } });
  await say("created");
  expect(await world.stores.installations.list()).toEqual([{ id: 7, account: "acme", suspended: false }]);
  expect((await say("suspend"))[1]).toBe("installed on acme, suspended\n");
  expect(await world.stores.installations.list()).toEqual([{ id: 7, account: "acme", suspended: true }]);
  await say("unsuspend");
  await say("deleted");
  await say("deleted");
  expect(await world.stores.installations.list()).toEqual([]);
});

describe("what cannot be trusted or understood", () => {
  const ping = { event: "ping", payload: { zen: "Keep it logically awesome." } };

  test("a signature that is missing, wrong, of another body or of another kind is 401, and nothing is kept", async () => {
    const right = await sign(webhookSecret, JSON.stringify(ping.payload));
    const signatures = [
      null,
      "",
      "sha256=",
      `sha256=${"0".repeat(64)}`,
      right.replace("sha256", "sha1"),
      right.slice(0, -1),
    ];
    for (const signature of signatures) expect((await deliver({ ...ping, signature }))[0]).toBe(401);
    expect((await deliver({ ...ping, signature: right, body: '{"zen":"forged"}' }))[0]).toBe(401);
    expect(await stored()).toEqual([]);
    expect(JSON.stringify(world.logs)).not.toContain(webhookSecret);
  });

  test("an event that nothing depends on is 202, and kept with that", async () => {
    expect(await deliver(ping)).toEqual([202, "nothing depends on ping events\n"]);
    expect(await stored()).toMatchObject([{ event: "ping", outcome: "nothing depends on ping events" }]);
  });

  test.each([
    ["JSON that is broken", "{"],
    ["a form", "payload=%7B%7D"],
    ["a payload that is not what GitHub documents", '{"repository":{"id":"one"}}'],
    ["null", "null"],
  ])("%s is 400, and says what is wrong with it", async (_, body) => {
    const [status, text] = await deliver({ event: "pull_request", payload: {}, body });
    expect(status).toBe(400);
    expect(text).toMatch(/not JSON|not what GitHub documents/);
  });

  test("a payload that is larger than GitHub's largest is 413", async () => {
    expect((await deliver({ ...ping, body: "x".repeat(25 * 1024 * 1024 + 1), signature: null }))[0]).toBe(413);
  });

  test("a request that is no delivery says what it lacks", async () => {
    const ask = (init: RequestInit) => world.request(receiveWebhook, new Request("http://f.test/", init));
    expect((await ask({ method: "GET" })).status).toBe(405);
    const response = await ask({ method: "POST", body: "{}" });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("X-GitHub-Event")]);
  });
});
