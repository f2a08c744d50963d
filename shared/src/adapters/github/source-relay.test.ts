import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "../../ports/code-host.ts";
import type { HostTokens } from "../../ports/host-tokens.ts";
import { fingerprintOf } from "../../tokens/fingerprint.ts";
import { createOutboundAgents } from "./outbound-fetch.ts";
import { createGitHubSourceRelay } from "./source-relay.ts";

const api = { id: 1, nodeId: "R_1", owner: "acme", name: "api" };
const secret = "ghs_a_token_that_nobody_sees";
const now = new Date("2026-03-02T09:00:00Z");
const advertised = "001e# service=git-upload-pack\n0000000eversion 2\n0000";
const types = {
  advertisement: { "content-type": "application/x-git-upload-pack-advertisement" },
  result: { "content-type": "application/x-git-upload-pack-result" },
};

let server: Server;
let answer: RequestListener;
let asked: { line: string; headers: IncomingMessage["headers"]; body: Promise<Buffer> }[];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: buffer(request) });
    answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());
beforeEach(() => (asked = []));
afterEach(() => server.closeAllConnections());

// A listening TCP server has an address of this type.
const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const wishes: unknown[] = [];
const tokens: HostTokens = {
  async token(owner, wish) {
    wishes.push({ ...owner, ...wish });
    return { token: secret, expiresAt: now, permissions: {}, installation: 1 };
  },
  check: async () => {},
};
const relay = (apiUrl = url(), silentMs = 5_000) =>
  createGitHubSourceRelay({
    tokens,
    apiUrl,
    clock: { now: () => now },
    way: { agents: createOutboundAgents({}), silentMs },
  });
const { signal } = new AbortController();
const advertise = (...options: Parameters<typeof relay>) => relay(...options).advertise(api, signal);
async function upload(timeoutMs?: number): Promise<string> {
  const pieces = await relay(url(), timeoutMs).uploadPack(api, { body: Buffer.from("0000"), signal });
  return Buffer.concat(await Array.fromAsync(pieces)).toString();
}
async function errorOf(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => undefined,
    (each: unknown) => each,
  );
  // Whatever went wrong, nobody who prints the error sees the token.
  const shown = inspect(error, { depth: 10, showHidden: true });
  for (const each of [secret, Buffer.from(`x-access-token:${secret}`).toString("base64")]) {
    expect(shown).not.toContain(each);
  }
  return error;
}

describe("GitHub is asked", () => {
  test("for what it can do, with a token for this repository alone that may read contents", async () => {
    answer = (_, response) => void response.writeHead(200, types.advertisement).end(advertised);
    expect(Buffer.from(await advertise()).toString()).toBe(advertised);
    expect(wishes.at(-1)).toMatchObject({ account: "acme", repositoryIds: [1], permissions: { contents: "read" } });
    const basic = `Basic ${Buffer.from(`x-access-token:${secret}`).toString("base64")}`;
    expect(asked).toMatchObject([
      {
        line: "GET /acme/api.git/info/refs?service=git-upload-pack",
        headers: { authorization: basic, "git-protocol": "version=2" },
      },
    ]);
  });

  test("for a pack, with the request as it is and nothing else", async () => {
    answer = (_, response) => void response.writeHead(200, types.result).end("0008NAK\n");
    const body = Buffer.from([0x1f, 0x8b, 0x00]);
    const pieces = await relay().uploadPack(api, { body, contentEncoding: "gzip", signal });
    expect(Buffer.concat(await Array.fromAsync(pieces)).toString()).toBe("0008NAK\n");
    const [request] = asked;
    expect(await request?.body).toEqual(body);
    expect(request?.line).toBe("POST /acme/api.git/git-upload-pack");
    expect(Object.keys(request?.headers ?? {}).toSorted()).toEqual([
      "accept",
      "authorization",
      "connection",
      "content-encoding",
      "content-length",
      "content-type",
      "git-protocol",
      "host",
      "user-agent",
    ]);
  });

  test("over TLS, or on this machine, and nowhere else", async () => {
    const error = await errorOf(advertise("http://github.example.com/api/v3"));
    expect(error).toMatchObject({ kind: "invalid", message: expect.stringContaining("is not HTTPS") });
  });
});

describe("an answer", () => {
  test.each<[number, Record<string, string>, new (...args: never[]) => Error, string]>([
    [404, {}, CodeHostRefused, "acme/api cannot be read: GitHub answered 404."],
    [403, {}, CodeHostRefused, "acme/api cannot be read: GitHub answered 403."],
    [301, { location: "https://elsewhere.example.com/" }, CodeHostRefused, "acme/api has moved."],
    [307, { location: "/acme/other.git/" }, CodeHostRefused, "acme/api has moved."],
    [429, { "retry-after": "30" }, CodeHostBusy, "GitHub asks to wait"],
    [403, { "retry-after": "30" }, CodeHostBusy, "GitHub asks to wait"],
    [500, {}, CodeHostUnavailable, "GitHub answered 500"],
    [200, { "content-type": "text/html" }, CodeHostUnavailable, "not what git expects"],
  ])("%i with %j is told as what it is", async (status, headers, kind, because) => {
    answer = (_, response) => void response.writeHead(status, headers).end(`secret ${secret}`);
    for (const error of [await errorOf(advertise()), await errorOf(upload())]) {
      expect(error).toBeInstanceOf(kind);
      expect(String(error)).toContain(because);
    }
    // No redirect was followed.
    expect(asked).toHaveLength(2);
  });

  test("that refuses a token leads to another one, once", async () => {
    answer = (_, response) => void response.writeHead(401).end();
    expect(String(await errorOf(upload()))).toContain("GitHub answered 401");
    expect(asked).toHaveLength(2);
    expect(wishes.at(-2)).not.toHaveProperty("refused");
    expect(wishes.at(-1)).toMatchObject({ repositoryIds: [1], refused: fingerprintOf(secret) });
    answer = (_, response) => void response.writeHead(asked.length === 3 ? 401 : 200, types.result).end("0008NAK\n");
    expect(await upload()).toBe("0008NAK\n");
    expect((await Promise.all(asked.map(({ body }) => body))).map(String)).toEqual(["0000", "0000", "0000", "0000"]);
  });

  test("that asks to wait says until when", async () => {
    answer = (_, response) => void response.writeHead(429, { "retry-after": "30" }).end();
    expect(await errorOf(advertise())).toMatchObject({ retryAt: new Date(now.getTime() + 30_000) });
    answer = (_, response) => void response.writeHead(429).end();
    expect(await errorOf(advertise())).toMatchObject({ retryAt: new Date(now.getTime() + 60_000) });
  });

  test.each([
    ["in another version", "001e# service=git-upload-pack\n0000004a".padEnd(200, "0")],
    ["with a huge list of refs", `${advertised}${"x".repeat(100_000)}`],
    ["that never ends", undefined],
  ])("%s is no advertisement", async (_, body) => {
    answer = (_, response) => {
      response.writeHead(200, types.advertisement);
      if (body !== undefined) return void response.end(body);
      const more = (): void => {
        while (response.writable && response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    };
    const error = await errorOf(advertise());
    expect(error).toMatchObject({ kind: "invalid", message: expect.stringContaining("protocol version 2") });
  });

  test("that breaks off, does not go on, or never comes may be better another time", async () => {
    answer = (_, response) => {
      response.writeHead(200, types.result).write("0008NAK\n");
      setImmediate(() => response.destroy());
    };
    expect(await errorOf(upload())).toBeInstanceOf(CodeHostUnavailable);
    answer = (_, response) => void response.writeHead(200, types.result).write("0008NAK\n");
    expect(String(await errorOf(upload(50)))).toMatch(/could not be read/);
    answer = () => {};
    expect(String(await errorOf(upload(50)))).toMatch(/nothing came for 0\.05 s/);
    expect(String(await errorOf(advertise("http://127.0.0.1:1")))).toMatch(/ECONNREFUSED/);
  });

  test("is given up when its reader leaves", async () => {
    const closed = Promise.withResolvers<void>();
    answer = (_, response) => {
      response.writeHead(200, types.result).write("0008NAK\n");
      response.on("close", closed.resolve);
    };
    for await (const _ of await relay().uploadPack(api, { body: Buffer.from("0000"), signal })) break;
    await expect(closed.promise).resolves.toBeUndefined();
  });

  test("is given up when the signal says so, with its reason", async () => {
    const closed = Promise.withResolvers<void>();
    answer = (_, response) => {
      response.writeHead(200, types.result).write("0008NAK\n");
      response.on("close", closed.resolve);
    };
    const controller = new AbortController();
    const pieces = await relay().uploadPack(api, { body: Buffer.from("0000"), signal: controller.signal });
    controller.abort(new Error("the Job has left"));
    await expect(Array.fromAsync(pieces)).rejects.toThrow("the Job has left");
    await closed.promise;
    const gone = relay().uploadPack(api, { body: Buffer.from("0000"), signal: controller.signal });
    await expect(gone).rejects.toThrow("the Job has left");
  });
});
