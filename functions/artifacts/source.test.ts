import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { SourceRelay } from "#shared/ports/source-relay.ts";
import { openArtifactsWorld, type ArtifactsWorld } from "#shared/testing/artifacts-world.ts";

const run = promisify(execFile);
const version2 = { "git-protocol": "version=2" };
const uploadPack = { ...version2, "content-type": "application/x-git-upload-pack-request" };

let world: ArtifactsWorld;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-source-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** Runs a real git with the token as a Job's checkout has it. @throws with git's own words. */
async function git(args: readonly string[], token = world.token("source")): Promise<string> {
  const settings: Readonly<Record<string, string>> = {
    "http.extraHeader": `Authorization: Bearer ${token}`,
    "protocol.version": "2",
    "user.name": "t",
    "user.email": "t@t",
  };
  const environment: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_COUNT: String(Object.keys(settings).length),
  };
  Object.entries(settings).forEach(([key, value], index) => {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return (await run("git", [...args], { cwd: directory, env: environment })).stdout;
}
const sourceUrl = () => `${world.jobUrl}/source.git`;
const source = (
  method: string,
  path: string,
  options: { body?: string | Uint8Array; headers?: Record<string, string> },
) => world.send(method, `source.git/${path}`, { token: world.token("source"), ...options });

describe("with a real git", () => {
  beforeEach(async () => {
    world = await openArtifactsWorld();
  });
  afterEach(() => world.close());

  test("the base commit is fetched, and what is fetched is the repository's", async () => {
    await git(["init", "--quiet", "."]);
    await git(["fetch", "--quiet", "--depth=1", sourceUrl(), world.execution.baseCommit]);
    await git(["checkout", "--quiet", "FETCH_HEAD"]);
    expect((await git(["rev-parse", "HEAD"])).trim()).toBe(world.execution.baseCommit);
    expect(await readFile(join(directory, "README.md"), "utf8")).not.toBe("");
    expect(new Set(world.gitRequests().map((line) => line.split("?")[0]))).toEqual(
      new Set(["GET /acme/api.git/info/refs", "POST /acme/api.git/git-upload-pack"]),
    );
  });

  test("several Jobs fetch at once", async () => {
    const clones = Array.from({ length: 6 }, (_, index) => git(["clone", "--quiet", sourceUrl(), `clone-${index}`]));
    await Promise.all(clones);
    expect(await readFile(join(directory, "clone-5/README.md"), "utf8")).not.toBe("");
  });

  test("nothing can be pushed: git is told why, and GitHub is not even asked", async () => {
    await git(["clone", "--quiet", sourceUrl(), "."]);
    await git(["commit", "--quiet", "--allow-empty", "--message", "mine"]);
    const before = world.gitRequests().length;
    await expect(git(["push", sourceUrl(), "HEAD:refs/heads/mine"])).rejects.toThrow(/A Job's source is read only/);
    expect(world.gitRequests()).toHaveLength(before);
  });

  test("a repository that was renamed or is gone is said to be, and the token appears nowhere", async () => {
    await world.github.rename("acme/api", "renamed");
    await expect(git(["ls-remote", sourceUrl()])).rejects.toThrow(/acme\/api has moved. Preview the campaign again/);
    expect(world.log()).not.toMatch(/ghs_|eyJ/);
  });

  test("without a token git gets nothing", async () => {
    await expect(git(["ls-remote", sourceUrl()], "none")).rejects.toThrow(
      /Authentication failed|could not read Username/,
    );
  });
});

describe("the address", () => {
  beforeAll(async () => {
    world = await openArtifactsWorld();
  });
  beforeEach(() => world.reset());
  afterAll(() => world.close());

  test.each([
    ["GET", "info/refs?service=git-receive-pack", 403],
    ["GET", "info/refs?service=git-upload-archive", 403],
    ["GET", "info/refs", 403],
    ["POST", "git-receive-pack", 403],
    ["POST", "git-upload-archive", 404],
    ["GET", "HEAD", 404],
    ["GET", "objects/info/packs", 404],
    ["GET", "../../../acme/web.git/info/refs?service=git-upload-pack", 404],
    ["HEAD", "info/refs?service=git-upload-pack", 405],
  ])("%s %s is answered with %i, and GitHub is not asked", async (method, path, status) => {
    const answer = await source(method, path, { headers: version2, ...(method === "POST" && { body: "0000" }) });
    expect(answer.status).toBe(status);
    expect(world.gitRequests()).toEqual([]);
  });

  test("leads to no other repository, whatever is added to it", async () => {
    const answer = await source("GET", "info/refs?service=git-upload-pack&repository=acme/web", { headers: version2 });
    expect(answer.status).toBe(200);
    expect(world.gitRequests()).toEqual(["GET /acme/api.git/info/refs?service=git-upload-pack"]);
  });

  test("speaks version 2 alone, which lists no refs in front of everything", async () => {
    for (const headers of [{}, { "git-protocol": "version=1" }, { "git-protocol": "version=2:x" }]) {
      expect((await source("GET", "info/refs?service=git-upload-pack", { headers })).status).toBe(400);
    }
    expect(world.gitRequests()).toEqual([]);
    const answer = await source("GET", "info/refs?service=git-upload-pack", { headers: version2 });
    expect(answer.headers.get("content-type")).toBe("application/x-git-upload-pack-advertisement");
    expect((await answer.text()).length).toBeLessThan(1_000);
  });
});

describe("a request", () => {
  /** A relay that keeps what it was asked, and answers as the test says. */
  let asked: { body: string; contentEncoding: string | undefined; signal: AbortSignal }[];
  let answer: () => Promise<AsyncIterable<Uint8Array>>;
  beforeAll(async () => {
    const sourceRelay: SourceRelay = {
      advertise: async () => Buffer.from("000eversion 2\n"),
      async uploadPack(_, { body, contentEncoding, signal }) {
        asked.push({ body: Buffer.from(body).toString("latin1"), contentEncoding, signal });
        return answer();
      },
      check: async () => {},
    };
    const fetching = { leastBytes: 1, everyMs: 750 };
    world = await openArtifactsWorld({ sourceRelay, terms: { fetches: { atOnce: 1, inLine: 1 }, fetching } });
  });
  beforeEach(() => {
    asked = [];
    answer = async () => ReadableStream.from([Buffer.from("0000")]);
  });
  afterAll(() => world.close());
  const ask = (body: string | Uint8Array = "0000", headers: Record<string, string> = {}) =>
    source("POST", "git-upload-pack", { body, headers: { ...uploadPack, ...headers } });

  test("is passed on as it is, compressed if it is", async () => {
    const zipped = gzipSync("0000");
    expect(await (await ask("0011command=fetch")).text()).toBe("0000");
    expect((await ask(zipped, { "content-encoding": "gzip" })).status).toBe(200);
    expect(asked).toMatchObject([
      { body: "0011command=fetch", contentEncoding: undefined },
      { body: zipped.toString("latin1"), contentEncoding: "gzip" },
    ]);
  });

  test.each<[string, Record<string, string>, number]>([
    ["in another compression", { "content-encoding": "br" }, 400],
    ["of another type", { "content-type": "text/plain" }, 400],
    ["in another protocol", { "git-protocol": "version=1" }, 400],
  ])("%s is refused", async (_, headers, status) => {
    expect((await ask("0000", headers)).status).toBe(status);
    expect(asked).toEqual([]);
  });

  test("larger than git's are is refused, however it comes", async () => {
    const large = "x".repeat((1 << 20) + 1);
    expect((await ask(large)).status).toBe(413);
    const body = ReadableStream.from([Buffer.from(large)]);
    const headers = { ...uploadPack, authorization: `Bearer ${world.token("source")}` };
    const chunked = await fetch(`${world.jobUrl}/source.git/git-upload-pack`, {
      method: "POST",
      headers,
      body,
      duplex: "half",
    });
    expect(chunked.status).toBe(413);
    expect(asked).toEqual([]);
  });

  test.each<[Error, number, RegExp]>([
    [new CodeHostRefused("not-found", "acme/api cannot be read."), 404, /^acme\/api cannot be read\.\n$/],
    [new CodeHostRefused("suspended", "The App is suspended."), 403, /^The App is suspended\.\n$/],
    [new CodeHostBusy("GitHub asks to wait.", new Date()), 503, /^GitHub asks to wait\.\n$/],
    [new CodeHostUnavailable("GitHub is down."), 503, /^GitHub is down\.\n$/],
    [new Error("secret inside"), 500, /^Something went wrong here/],
  ])("that ends with %o is answered with %i", async (error, status, words) => {
    answer = async () => {
      throw error;
    };
    const response = await ask();
    expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(words)]);
    // Its turn was given back.
    answer = async () => ReadableStream.from([]);
    expect((await ask()).status).toBe(200);
  });

  test("gets a huge answer in pieces: no more is taken from GitHub than the Job takes", async () => {
    const taken = { pieces: 0, isEnded: false };
    const more = Promise.withResolvers<void>();
    answer = async () => {
      async function* endless(): AsyncGenerator<Uint8Array> {
        try {
          for (;;) {
            taken.pieces += 1;
            yield new Uint8Array(1 << 20);
            if (taken.pieces > 1_000) more.resolve();
          }
        } finally {
          taken.isEnded = true;
          more.resolve();
        }
      }
      return endless();
    };
    const response = await ask();
    const reader = response.body?.getReader();
    await reader?.read();
    // The buffers on the way are full, and the Job reads no more: it is given up, since nothing moves.
    await more.promise;
    expect(taken.isEnded).toBe(true);
    expect(taken.pieces).toBeLessThan(100);
    await reader?.cancel().catch(() => undefined);
  });

  test("whose answer stands still, or breaks, is broken off and its turn given back", async () => {
    async function* still(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("0008NAK\n");
      await new Promise(() => {});
    }
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("0008NAK\n");
      throw new CodeHostUnavailable("GitHub hung up.");
    }
    for (const body of [still, broken]) {
      answer = async () => body();
      await expect(ask().then((response) => response.text())).rejects.toThrow("terminated");
    }
    answer = async () => ReadableStream.from([]);
    expect((await ask()).status).toBe(200);
    expect(world.log()).toContain("what git asked for broke off");
  });

  test("that the Job gives up is given up at GitHub too", async () => {
    answer = async () => {
      async function* still(): AsyncGenerator<Uint8Array> {
        yield Buffer.from("0008NAK\n");
        await new Promise(() => {});
      }
      return still();
    };
    const response = await ask();
    const signal = asked[0]?.signal;
    const aborted = new Promise<Event>((resolve) => signal?.addEventListener("abort", resolve));
    await response.body?.cancel();
    await expect(aborted).resolves.toMatchObject({ type: "abort" });
  });

  test("waits its turn, and is sent away when too many wait", async () => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    answer = async () => {
      begun.resolve();
      await gate.promise;
      return ReadableStream.from([]);
    };
    const first = ask();
    await begun.promise;
    // Of the next two, one waits in line and one finds the line full.
    const others = [ask(), ask()];
    expect((await Promise.race(others)).status).toBe(503);
    gate.resolve();
    const statuses = (await Promise.all([first, ...others])).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
  });
});
