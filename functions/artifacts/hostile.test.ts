import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openArtifactsWorld, sha256Of, type ArtifactsWorld } from "#shared/testing/artifacts-world.ts";

let world: ArtifactsWorld;
const sockets: Socket[] = [];
beforeAll(async () => {
  const sending = { leastBytes: 1_024, everyMs: 1_000 };
  world = await openArtifactsWorld({ terms: { sending }, limits: { patchBytes: 1_000_000 } });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await world.reset();
});
afterAll(() => world.close());

const name = "artifacts/attempts/0123456789ab/patch.diff";
const everything = async () => [...(await world.blobs.list("tidy/")), ...(await world.blobs.list("cache/"))];

/** A connection on which a test can write whatever it likes. */
async function open(): Promise<Socket> {
  const socket = connect(world.port, "127.0.0.1");
  sockets.push(socket);
  // What it is answered, or that it is reset, the test looks at.
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** The head of a request of a Job with a token, its lines as given. */
function head(target: string, ...headers: readonly string[]): string {
  const lines = [
    `PUT ${target} HTTP/1.1`,
    "Host: artifacts",
    `Authorization: Bearer ${world.token("upload")}`,
    ...headers,
  ];
  return [...lines, "", ""].join("\r\n");
}
const announced = (body: string, length = body.length) => [
  `Content-Length: ${length}`,
  `X-Octobatch-Sha256: ${sha256Of(body)}`,
];

/** Sends bytes as they are and answers everything that comes back until the other side closes the connection. */
async function send(bytes: string): Promise<string> {
  const socket = await open();
  socket.write(Buffer.from(bytes, "latin1"));
  return text(socket);
}
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);

describe("an address", () => {
  test.each([
    "/jobs/x-1/1/artifacts/attempts/0123456789ab/../x/patch.diff",
    "/jobs/x-1/1/artifacts/attempts/0123456789ab/../../../../2/result.json",
    "/jobs/x-1/1/artifacts/%2e%2e/%2e%2e/2/artifacts/result.json",
    "/jobs/x-1/1/artifacts/..%2f..%2fresult.json",
    "/jobs/x-1/1/artifacts/%252e%252e%252fresult.json",
    "/jobs/x-1/1/artifacts/attempts%2f0123456789ab%2fpatch.diff",
    "/jobs/x-1/1/artifacts//etc/passwd",
    "//jobs/x-1/1/artifacts/attempts/0123456789ab/patch.diff",
    "/jobs/x-1/1/artifacts/C:/result.json",
    "/jobs/x-1/1/artifacts/attempts/0123456789ab/patch.diff%00.json",
    "/jobs/x-1/1/artifacts/attempts/0123456789ab/patch.diff\0",
    "/jobs/x-1/1/artifacts/attempts\\0123456789ab\\patch.diff",
    "/jobs/x-1/1/artifacts/attempts/0123456789ab/patch.diff;version=1",
    "/jobs/x-1/1/artifacts/attempts/0123456789ab/patch.diff/",
    "/jobs/x-1/1/artifacts/",
    "/jobs/x-1/01/artifacts/attempts/0123456789ab/patch.diff",
    "/jobs/x-1/1e0/artifacts/attempts/0123456789ab/patch.diff",
    "/jobs/x%2d1/1/artifacts/attempts/0123456789ab/patch.diff",
    "/jobs/x-1/1/source.git/../../../x-2/1/artifacts/result.json",
    "jobs/x-1/1/artifacts/result.json",
    "*",
  ])("as %j leads nowhere", async (target) => {
    const status = statusOf(await send(`${head(target, ...announced("x"), "Connection: close")}x`));
    expect([400, 403, 404]).toContain(status);
    expect(await everything()).toEqual([]);
  });

  test("with a host in it is taken for its path alone", async () => {
    const target = `http://storage.internal/jobs/x-1/1/${name}`;
    const answer = await send(`${head(target, ...announced("x"), "Connection: close")}x`);
    expect(statusOf(answer)).toBe(201);
    expect(await everything()).toEqual([expect.stringMatching(/^tidy.+\/patch\.diff$/)]);
  });
});

describe("a body", () => {
  const target = () => `/jobs/x-1/1/${name}`;

  test("of which nobody says how long it is is not taken", async () => {
    const chunked = ["Transfer-Encoding: chunked", `X-Octobatch-Sha256: ${sha256Of("x")}`];
    expect(statusOf(await send(`${head(target(), ...chunked, "Connection: close")}1\r\nx\r\n0\r\n\r\n`))).toBe(411);
    expect(await everything()).toEqual([]);
  });

  test.each([
    ["two lengths", ["Content-Length: 1", "Content-Length: 2"]],
    ["a length and chunks", ["Content-Length: 1", "Transfer-Encoding: chunked"]],
    ["a length below zero", ["Content-Length: -1"]],
    ["a length in words", ["Content-Length: one"]],
    ["a length in hex", ["Content-Length: 0x1"]],
  ])("with %s is not taken", async (_, headers) => {
    const sha256 = `X-Octobatch-Sha256: ${sha256Of("x")}`;
    const status = statusOf(await send(`${head(target(), ...headers, sha256, "Connection: close")}x`));
    expect([400, 411]).toContain(status);
    expect(await everything()).toEqual([]);
  });

  test("that ends before its time is not kept", async () => {
    const socket = await open();
    socket.end(`${head(target(), ...announced("patch", 100))}patch`);
    await text(socket);
    expect(await everything()).toEqual([]);
    // The same one can be handed in again, whole.
    expect((await world.send("PUT", name, { body: "patch" })).status).toBe(201);
  });

  test("that goes on beyond its length ends there: what follows is no part of it, and no request", async () => {
    const answer = await send(`${head(target(), ...announced("patch"))}patch and more`);
    expect(statusOf(answer)).toBe(400);
    expect([200, 201]).toContain((await world.send("PUT", name, { body: "patch" })).status);
    const [key = ""] = await everything();
    expect(Buffer.from(await world.blobs.get(key)).toString()).toBe("patch");
  });

  test("that is too long is refused before it is read", async () => {
    const socket = await open();
    socket.write(head(target(), ...announced("x", 1_000_001)));
    // Nothing of it was sent, and the connection is closed since nobody waits for it.
    expect(statusOf(await text(socket))).toBe(413);
    expect(await everything()).toEqual([]);
  });

  test("that stands still is given up, and its connection is closed", async () => {
    const socket = await open();
    socket.write(`${head(target(), ...announced("x".repeat(10_000)))}${"x".repeat(5_000)}`);
    const answer = await text(socket);
    expect(statusOf(answer)).toBe(408);
    expect(answer).toMatch(/^connection: close/im);
    expect(await everything()).toEqual([]);
  });

  test("that trickles is given up, though something always comes", async () => {
    const socket = await open();
    const answer: string[] = [];
    socket.on("data", (bytes: Buffer) => void answer.push(bytes.toString()));
    socket.write(head(target(), ...announced("x".repeat(10_000))));
    while (answer.length === 0) {
      socket.write("x");
      world.clock.advance(10);
      // The server has its turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(statusOf(answer.join(""))).toBe(408);
    expect(await everything()).toEqual([]);
  });

  test("of a result that stands still holds nothing up either", async () => {
    const socket = await open();
    socket.write(`${head("/jobs/x-1/1/artifacts/result.json", ...announced("{}", 1_000))}{`);
    expect(statusOf(await text(socket))).toBe(408);
    expect((await world.send("PUT", name, { body: "patch" })).status).toBe(201);
  });

  test("that breaks off because the Job died holds nothing up", async () => {
    const socket = await open();
    socket.write(`${head(target(), ...announced("x".repeat(10_000)))}x`);
    await world.send("GET", `cache/${"a".repeat(64)}`, { token: world.token("source") });
    socket.destroy();
    const uploads = Array.from({ length: 20 }, (_, index) =>
      world.send("PUT", `artifacts/attempts/0123456789ab/steps/${index}.log`, { body: "log" }),
    );
    expect(new Set((await Promise.all(uploads)).map(({ status }) => status))).toEqual(new Set([201]));
  });
});

test("a method that nobody expects is answered, and changes nothing", async () => {
  for (const method of ["DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]) {
    const request = head(`/jobs/x-1/1/${name}`, "Content-Length: 0", "Connection: close").replace("PUT", method);
    expect([400, 404, 405]).toContain(statusOf(await send(request)));
  }
  expect(await everything()).toEqual([]);
});
