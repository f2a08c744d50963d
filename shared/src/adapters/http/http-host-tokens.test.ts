import { createServer, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "../../ports/code-host.ts";
import { githubLimits } from "../../pacing/limits.ts";
import { createPostgresPacing } from "../postgres/pacing.ts";
import { openTokensWorld, type TokensWorld } from "../../testing/tokens-world.ts";
import { fingerprintOf } from "../../tokens/fingerprint.ts";
import { createHttpHostTokens } from "./http-host-tokens.ts";

const acme = { account: "acme" };
const reading = { permissions: { contents: "read" } } as const;

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("over the tokens function", () => {
  let world: TokensWorld;
  beforeEach(async () => {
    world = await openTokensWorld();
  });
  afterEach(() => world.close());

  test("a token works at GitHub, and says what it is", async () => {
    const { token, expiresAt, permissions, installation } = await world.client("reader").token(acme, reading);
    expect(expiresAt.getTime() - world.clock.now().getTime()).toBe(3_600_000);
    expect(permissions).toEqual({ contents: "read", metadata: "read" });
    expect(installation).toBe(world.installation);
    const url = `${world.github.apiUrl}/repos/acme/api/contents/README.md`;
    expect((await fetch(url, { headers: { authorization: `token ${token}` } })).status).toBe(200);
  });

  test("a token is asked for once until its last minute, whoever asks in this process", async () => {
    const client = world.client("reader");
    const first = await Promise.all([1, 2, 3].map(() => client.token(acme, reading)));
    expect(new Set(first.map(({ token }) => token)).size).toBe(1);
    world.clock.advance(59 * 60_000);
    expect((await client.token({ account: "Acme" }, reading)).token).toBe(first[0]?.token);
    world.clock.advance(1);
    expect((await client.token(acme, reading)).token).not.toBe(first[0]?.token);
    expect(world.log().match(/a token was asked for/g)).toHaveLength(2);
  });

  test("a token that GitHub refused is not given again", async () => {
    const client = world.client("reader");
    const { token } = await client.token(acme, reading);
    const other = await client.token(acme, { ...reading, refused: fingerprintOf(token) });
    expect(other.token).not.toBe(token);
    expect((await client.token(acme, reading)).token).toBe(other.token);
    expect((await world.client("reader").token(acme, reading)).token).toBe(other.token);
  });

  test("the App's pass is kept until its last minute, and asked for anew once it was refused", async () => {
    const client = world.client("keeper");
    const first = await client.appPass(false);
    world.clock.advance(8 * 60_000);
    expect(await client.appPass(false)).toBe(first);
    expect(await client.appPass(true)).not.toEqual(first);
    world.clock.advance(8 * 60_000 + 1);
    expect((await client.appPass(false)).expiresAt.getTime()).toBe(world.clock.now().getTime() + 9 * 60_000);
  });

  test("what the code host refuses keeps its kind and its words", async () => {
    const client = world.client("reader");
    await world.github.suspend("acme");
    const error = await errorOf(client.token(acme, reading));
    expect(error).toBeInstanceOf(CodeHostRefused);
    expect(error).toMatchObject({ kind: "suspended", message: expect.stringContaining("can unsuspend it at http") });
    const { status, body } = await world.get("reader", "accounts/acme?permissions=contents:read");
    expect(status).toBe(422);
    // It was compared above.
    const { message } = error as CodeHostRefused;
    expect(body).toEqual({ error: { code: "refused", kind: "suspended", message } });
  });

  test("what the code host makes wait keeps its time", async () => {
    const until = new Date(world.clock.now().getTime() + 600_000);
    const pacing = createPostgresPacing({ database: world.database.database, limits: githubLimits() });
    const request = { resource: "core", cost: 1, kind: "read", createsContent: false, urgency: "publish" } as const;
    const answer = await pacing.take(`app ${world.github.app.id}`, request, world.clock.now());
    if (answer.kind !== "go") throw new Error(answer.because);
    await pacing.done(answer.turn, { slowDown: { until } }, world.clock.now());

    const error = await errorOf(world.client("reader").token(acme, reading));
    expect(error).toBeInstanceOf(CodeHostBusy);
    expect(error).toMatchObject({ retryAt: until, message: expect.stringContaining("get a token for acme") });
  });

  test("a role that may not have it is told so, and its work is not lost", async () => {
    const error = await errorOf(world.client("reader").token(acme, { permissions: { contents: "write" } }));
    expect(error).toBeInstanceOf(CodeHostUnavailable);
    expect(error).toMatchObject({ message: expect.stringContaining('the role reader may not have "contents: write"') });
  });

  test("its check says whether tokens can be had", async () => {
    const client = world.client("source");
    await client.check();
    world.github.revokeKey();
    await expect(client.check()).rejects.toMatchObject({ kind: "bad-credentials" });
  });
});

describe("when the tokens function", () => {
  let server: Server;
  let answer: RequestListener;
  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(() => void server.close());

  const secret = "a-secret-that-nobody-sees";
  const client = (port?: number) => {
    // A listening TCP server has an address of this type.
    const url = `http://127.0.0.1:${port ?? (server.address() as AddressInfo).port}`;
    const clock = { now: () => new Date(0) };
    return createHttpHostTokens({ url, credential: `reader:${secret}`, clock, timeoutMs: 200 });
  };

  test.each<[string, RequestListener, RegExp]>([
    ["answers something else", (_, response) => void response.end("<html>"), /gave no answer \(SyntaxError\)/],
    ["answers another JSON", (_, response) => void response.end('{"token":""}'), /answered 200, not what it promises/],
    ["fails", (_, response) => void response.writeHead(500).end("{}"), /answered 500, not what it promises/],
    ["hangs up", (request) => void request.socket.destroy(), /gave no answer \(UND_ERR_SOCKET\)/],
    ["does not answer", () => {}, /gave no answer \(none within 200 ms\)/],
    [
      "sends elsewhere",
      (_, response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
      /gave no answer/,
    ],
  ])("%s, the work is tried again later and no secret is told", async (_, listener, expected) => {
    answer = listener;
    const error = await errorOf(client().token(acme, reading));
    expect(error).toBeInstanceOf(CodeHostUnavailable);
    expect(String(error)).toMatch(expected);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
  });

  test("is not there, neither", async () => {
    const error = await errorOf(client(1).token(acme, reading));
    expect(error).toBeInstanceOf(CodeHostUnavailable);
    expect(String(error)).toContain("gave no answer (");
  });
});
