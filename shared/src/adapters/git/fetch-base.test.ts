import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createOutboundAgents } from "#shared/adapters/github/outbound-fetch.ts";
import { runCommand } from "#shared/adapters/process/run-command.ts";
import { openSandboxWorld, type SandboxWorld } from "#shared/testing/sandbox-world.ts";
import { fetchBase, type FetchOptions } from "./fetch-base.ts";
import { GitFailed, type Command } from "./git-command.ts";
import { straightToGit } from "./git-request.ts";
import { flushPacket, pktLine } from "./pkt-line.ts";
import { createTrustedRepository } from "./trusted-repository.ts";

const token = "ghs_secret";
const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
const someCommit = "a".repeat(40);

let directory: string;
let gitDirectory: string;
let ran: Command[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-fetch-"));
  gitDirectory = join(directory, "repository");
  createTrustedRepository(gitDirectory);
  ran = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function fetchFrom(url: string, options: Partial<FetchOptions> = {}): Promise<string> {
  return fetchBase({
    gitDirectory,
    access: { url, token },
    commit: someCommit,
    timeoutMs: 60_000,
    run(command) {
      ran.push(command);
      return runCommand(command);
    },
    ...options,
  });
}

const packs = async () => (await readdir(join(gitDirectory, "objects/pack"))).toSorted();

/** What went wrong, which is a GitFailed that nobody finds the token in. */
async function failureOf(fetched: Promise<unknown>): Promise<GitFailed> {
  const error: unknown = await fetched.then(
    () => undefined,
    (each: unknown) => each,
  );
  for (const secret of [token, basic]) expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
  expect(await packs()).toEqual([]);
  if (!(error instanceof GitFailed)) throw new Error("it did not fail", { cause: error });
  return error;
}

describe("a server", () => {
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
  const address = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fetched = (options?: Partial<FetchOptions>) => fetchFrom(`http://${address()}/acme/app.git`, options);
  const ok = { "content-type": "application/x-git-upload-pack-result" };

  test("is asked once, for the commit and nothing before it", async () => {
    answer = (_, response) => void response.writeHead(200, ok).end(pktLine("ERR no"));
    await failureOf(fetched());
    expect(asked).toMatchObject([
      {
        line: "POST /acme/app.git/git-upload-pack",
        headers: { authorization: `Basic ${basic}`, "git-protocol": "version=2" },
      },
    ]);
    const body = ["command=fetch", `want ${someCommit}`, "deepen 1", "no-progress", "ofs-delta", "done"];
    const [command = "", ...rest] = body.map((line) => pktLine(line));
    expect(String(await asked[0]?.body)).toBe(`${command}0001${rest.join("")}0000`);
    expect(ran).toEqual([]);
  });

  test("is reached the way that is given", async () => {
    answer = (_, response) => void response.writeHead(200, ok).end(pktLine("ERR no"));
    const agents = createOutboundAgents({ httpProxy: `http://${address()}` });
    const url = "http://localhost:1/acme/app.git";
    await failureOf(fetchFrom(url, { way: { agents, silentMs: 10_000 } }));
    expect(asked.map(({ line }) => line)).toEqual([`POST ${url}/git-upload-pack`]);
  });

  test("is told what is there already", async () => {
    answer = (_, response) => void response.writeHead(200, ok).end(pktLine("ERR no"));
    const known = { commits: ["b".repeat(40), "c".repeat(40)], shallow: ["c".repeat(40)] };
    await failureOf(fetched({ known }));
    expect(String(await asked[0]?.body)).toContain(
      [
        `want ${someCommit}`,
        `shallow ${"c".repeat(40)}`,
        `have ${"b".repeat(40)}`,
        `have ${"c".repeat(40)}`,
        "thin-pack",
      ]
        .map((line) => pktLine(line))
        .join(""),
    );
  });

  test("of ours gets our token as what it is, and nobody one that there is none for", async () => {
    answer = (_, response) => void response.writeHead(200, ok).end(pktLine("ERR no"));
    const url = `http://${address()}/source.git`;
    await failureOf(fetched({ access: { url, token, isOurs: true } }));
    await failureOf(fetched({ access: { url } }));
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${token}`, undefined]);
  });

  test.each<[number, Record<string, string>, string, boolean, RegExp]>([
    [401, {}, "", false, /cannot be read: the server answered 401\. .*read access/],
    [404, { "content-type": "text/plain" }, "Repository not found.\n", false, /404, Repository not found\. Check/],
    [403, { "content-type": "text/plain; charset=utf-8" }, `not\u0007 ${token}`, false, /403, not \*\*\*\. Check/],
    [403, { "content-type": "text/html" }, "<html>", false, /answered 403\. Check/],
    [403, { "retry-after": "30" }, "", true, /asks to wait 30 seconds/],
    [429, {}, "", true, /asks to wait/],
    [301, { location: "/other.git" }, "", false, /has moved\. Preview the campaign again/],
    [502, {}, "", true, /answered 502/],
    [410, {}, "", true, /answered 410/],
    [200, { "content-type": "text/html" }, "<html>", true, /not what git expects/],
    [200, ok, pktLine(`ERR upload-pack: not our ref ${someCommit}`), false, /force push/],
    [200, ok, pktLine("NAK"), false, /does not speak git's protocol version 2/],
    [200, ok, pktLine(`ERR out of disk ${token}`), true, /failed: out of disk \*\*\*/],
    [200, ok, pktLine("ERR upload-pack: protocol error"), false, /protocol version 2: it says "upload-pack/],
    [200, ok, "", false, /protocol version 2: it is empty/],
    [200, ok, pktLine("packfile"), true, /ends too early/],
    [200, ok, "<html>", true, /no length of a packet/],
  ])("that answers %i with %j and %j is judged", async (status, headers, body, retryable, message) => {
    answer = (_, response) => void response.writeHead(status, headers).end(body);
    const failure = await failureOf(fetched());
    expect(failure).toMatchObject({ retryable, message: expect.stringMatching(message) });
    expect(failure.message).toContain(address());
    expect(asked).toHaveLength(1);
  });

  const packOf = (bytes: number) => {
    const lines = [pktLine("packfile")];
    for (let left = bytes; left > 0; left -= 60_000) lines.push(`${(60_005).toString(16)}\u0001${"P".repeat(60_000)}`);
    return Buffer.from(lines.join(""), "latin1");
  };

  test("that breaks off, or does not go on, may do better another time", async () => {
    answer = (_, response) => {
      response.writeHead(200, ok).write(packOf(400_000));
      setImmediate(() => response.destroy());
    };
    expect(await failureOf(fetched())).toMatchObject({ retryable: true });
    answer = (_, response) => void response.writeHead(200, ok).write(packOf(60_000));
    const silent = { ...straightToGit, silentMs: 50 };
    expect(await failureOf(fetched({ way: silent }))).toMatchObject({ retryable: true });
    expect(await failureOf(fetched({ timeoutMs: 50 }))).toMatchObject({
      retryable: true,
      message: expect.stringContaining("took longer than 0.05 s"),
    });
    expect(await failureOf(fetchFrom("http://127.0.0.1:1/a.git"))).toMatchObject({
      retryable: true,
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("that sends no end of a pack is stopped", async () => {
    const closed = Promise.withResolvers<void>();
    answer = (_, response) => {
      response.writeHead(200, ok).write(pktLine("packfile"));
      const piece = packOf(60_000).subarray(pktLine("packfile").length);
      const more = (): void => {
        while (response.writable && response.write(piece));
      };
      response.on("drain", more).on("close", closed.resolve);
      more();
    };
    const failure = await failureOf(fetched({ mostPackBytes: 1 << 20 }));
    expect(failure).toMatchObject({ retryable: false, message: expect.stringContaining("larger than 1 MiB") });
    await closed.promise;
    expect(ran).toEqual([]);
  });

  test("that sends no pack is found out by git", async () => {
    answer = (_, response) =>
      void response.writeHead(200, ok).end(Buffer.concat([packOf(60_000), Buffer.from(flushPacket)]));
    expect(await failureOf(fetched())).toMatchObject({
      retryable: true,
      message: expect.stringContaining("pack signature"),
    });
  });

  test("is left at once when the fetch is given up, with its reason", async () => {
    const began = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    answer = (_, response) => {
      response.on("close", closed.resolve);
      began.resolve();
    };
    const abort = new AbortController();
    const given = fetched({ signal: abort.signal });
    await began.promise;
    abort.abort(new Error("it was cancelled"));
    await expect(given).rejects.toThrow("it was cancelled");
    await closed.promise;
    await expect(fetched({ signal: abort.signal })).rejects.toThrow("it was cancelled");
    expect(asked).toHaveLength(1);
  });

  test("that closed a connection which was kept is asked on another one", async () => {
    answer = (request, response) => {
      if (asked.length === 2) request.socket.destroy();
      else response.writeHead(502, { "content-type": "text/plain" }).end("busy");
    };
    expect(await failureOf(fetched())).toMatchObject({ message: expect.stringContaining("busy") });
    expect(await failureOf(fetched())).toMatchObject({ message: expect.stringContaining("busy") });
    expect(asked).toHaveLength(3);
  });
});

describe("a proxy", () => {
  let proxy: Server;
  let tunnels: Socket[];
  let opened: PromiseWithResolvers<Socket>;
  let answer: string;
  beforeEach(async () => {
    tunnels = [];
    answer = "";
    opened = Promise.withResolvers<Socket>();
    proxy = createServer().on("connect", (_, socket: Socket) => {
      tunnels.push(socket);
      socket.on("error", () => undefined).resume();
      socket.write(answer);
      opened.resolve(socket);
    });
    await once(proxy.listen(0, "127.0.0.1"), "listening");
  });
  afterEach(() => {
    for (const tunnel of tunnels) tunnel.destroy();
    proxy.close();
  });

  const fetched = (options: Partial<FetchOptions> & { silentMs?: number }) => {
    const { silentMs = 60_000, ...others } = options;
    // A listening TCP server has an address of this type.
    const { port } = proxy.address() as AddressInfo;
    const agents = createOutboundAgents({ httpsProxy: `http://127.0.0.1:${port}` });
    return fetchFrom("https://github.test/acme/app.git", { way: { agents, silentMs }, ...others });
  };

  test("that never opens a tunnel is not waited for", async () => {
    const failed = failureOf(fetched({ silentMs: 50 }));
    const tunnel = await opened.promise;
    const closed = once(tunnel, "end");
    expect(await failed).toMatchObject({ retryable: true, message: expect.stringMatching(/within 0\.05 s|timed out/) });
    await closed;
  });

  test("whose tunnel leads nowhere is not waited for", async () => {
    answer = "HTTP/1.1 200 Connection established\r\n\r\n";
    expect(await failureOf(fetched({ silentMs: 50 }))).toMatchObject({ retryable: true });
  });

  test("that does not answer is no reason to miss a deadline", async () => {
    const failure = await failureOf(fetched({ timeoutMs: 50 }));
    expect(failure).toMatchObject({ retryable: true, message: expect.stringContaining("took longer than 0.05 s") });
  });

  test("that does not answer is left at once when the fetch is given up", async () => {
    const abort = new AbortController();
    const given = fetched({ signal: abort.signal });
    await opened.promise;
    abort.abort(new Error("it was cancelled"));
    await expect(given).rejects.toThrow("it was cancelled");
    expect(await packs()).toEqual([]);
  });
});

test.each(["http://github.com/a/b.git", "file:///etc", "ssh://github.com/a/b", "https://user:pw@github.com/a/b.git"])(
  "%s is refused",
  async (url) => {
    await expect(fetchFrom(url)).rejects.toThrow(GitFailed);
    expect(ran).toEqual([]);
  },
);

test("a commit that is not named in full is refused", async () => {
  await expect(fetchFrom("https://github.com/a/b.git", { commit: "HEAD" })).rejects.toThrow(/not a full commit SHA/);
});

describe("from git's own server a commit", () => {
  let world: SandboxWorld;
  beforeAll(async () => {
    world = await openSandboxWorld();
    await world.addRepository("app", "echo one > README.md; mkdir -p a/b; echo two > a/b/c; echo two > d");
  });
  afterAll(() => world.close());

  const head = async () => (await world.git("app", "rev-parse", "HEAD")).trim();
  const fetched = async (options: Partial<FetchOptions> = {}) =>
    fetchFrom(`${world.server.url}/app.git`, {
      access: { url: `${world.server.url}/app.git`, token: world.server.token },
      commit: await head(),
      ...options,
    });
  const here = async (...argv: string[]) => {
    const environment = {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
    };
    const command = { argv: ["git", "--git-dir", gitDirectory, ...argv] as const, environment };
    const { stdout, stderr } = await runCommand({ ...command, timeoutMs: 60_000, maxOutputBytes: 1 << 20 });
    return `${stdout.toString()}${stderr}`.trim();
  };

  test("comes whole, by one request and one run of git that knows no token", async () => {
    const asked = world.server.requests.length;
    const commit = await head();
    expect(await fetched()).toBe((await world.git("app", "rev-parse", "HEAD^{tree}")).trim());
    expect(world.server.requests.slice(asked)).toEqual(["POST /app.git/git-upload-pack"]);
    expect(ran.map(({ argv }) => argv.slice(0, 2))).toEqual([["git", "index-pack"]]);
    expect(JSON.stringify(ran)).not.toMatch(new RegExp(`${world.server.token}|https?:`));
    expect(await here("fsck", "--full", "--strict", commit)).toBe("");
    expect(await here("rev-list", "--objects", commit)).toMatch(/a\/b\/c/);
    for (const name of await packs()) {
      const { mode } = await stat(join(gitDirectory, "objects/pack", name));
      expect([name, (mode & 0o777).toString(8)]).toEqual([expect.stringMatching(/^pack-[0-9a-f]{40}\./), "444"]);
    }
  });

  test("ends there, whatever came before it", async () => {
    const tree = (await world.git("app", "rev-parse", "HEAD^{tree}")).trim();
    const child = (await world.git("app", "commit-tree", "-p", "HEAD", "-m", "child", tree)).trim();
    expect(await fetched({ commit: child })).toBe(tree);
    expect(await readFile(join(gitDirectory, "shallow"), "latin1")).toBe(`${child}\n`);
    expect(await here("log", "--format=%s", child)).toBe("child");
  });

  test("that is no longer there is told so", async () => {
    expect(await failureOf(fetched({ commit: someCommit }))).toMatchObject({
      retryable: false,
      message: expect.stringMatching(/no longer in .*app\.git.*force push/),
    });
  });

  test.each(["sh", "bash"])(
    "that goes away before git looks at it is not taken, with %s as the shell",
    async (shell) => {
      const known = { commits: [someCommit], shallow: [] };
      const failure = await failureOf(
        fetched({
          known,
          async run(command) {
            await rm(join(gitDirectory, "objects/pack/arriving"));
            return runCommand({ ...command, argv: [shell, ...command.argv.slice(1)] });
          },
        }),
      );
      expect(failure).toMatchObject({ retryable: true, message: expect.stringContaining("cannot be used") });
    },
  );

  /** An answer of a server that has made a pack of these objects alone, in this order. */
  async function answerOf(...revisions: string[]): Promise<Server> {
    const names = await Promise.all(revisions.map(async (each) => (await world.git("app", "rev-parse", each)).trim()));
    const list = join(directory, "objects");
    await writeFile(list, names.map((name) => `${name}\n`).join(""));
    const { stdout } = await runCommand({
      argv: [
        "/bin/sh",
        "-c",
        `exec git -C "$1" pack-objects --stdout --window=0 <"$2"`,
        "sh",
        join(world.directory, "app.git"),
        list,
      ],
      environment: { PATH: "/usr/local/bin:/usr/bin:/bin", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
      timeoutMs: 60_000,
      maxOutputBytes: 1 << 20,
    });
    const band = Buffer.from((stdout.length + 5).toString(16).padStart(4, "0"));
    const server = createServer((_, response) => {
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-result" });
      response.end(
        Buffer.concat([Buffer.from(pktLine("packfile")), band, Buffer.of(1), stdout, Buffer.from(flushPacket)]),
      );
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  }

  async function fetchedFrom(server: Server): Promise<string> {
    try {
      // A listening TCP server has an address of this type.
      const { port } = server.address() as AddressInfo;
      return await fetchFrom(`http://127.0.0.1:${port}/app.git`, { commit: await head() });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  const all = ["HEAD", "HEAD^{tree}", "HEAD:a", "HEAD:a/b", "HEAD:README.md", "HEAD:d"];

  test("is found where it is not the first thing in the pack", async () => {
    const server = await answerOf(...all.toReversed());
    expect(await fetchedFrom(server)).toBe((await world.git("app", "rev-parse", "HEAD^{tree}")).trim());
    expect(ran.map(({ argv }) => argv[1])).toEqual(["index-pack", "rev-parse"]);
  });

  test.each([
    ["a file", "HEAD:README.md"],
    ["a directory", "HEAD:a/b"],
    ["itself", "HEAD"],
  ])("without %s is not taken", async (_, missing) => {
    const failure = await failureOf(fetchedFrom(await answerOf(...all.filter((each) => each !== missing))));
    expect(failure.retryable).toBe(true);
    expect(failure.message).toMatch(/What the server sent cannot be used|The server sent something else/);
  });
});
