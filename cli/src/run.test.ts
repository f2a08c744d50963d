import { describe, expect, test } from "vitest";
import { exitCodes } from "./exit-codes.ts";
import { Interruption } from "./io.ts";
import { run } from "./run.ts";
import { createTestIo } from "./testing/test-io.ts";

type IoOptions = Parameters<typeof createTestIo>[0];

const env = { OCTOBATCH_URL: "http://octobatch.test", OCTOBATCH_TOKEN: "t" };

async function octobatch(argv: readonly string[], options: IoOptions = {}) {
  const io = createTestIo({ env, ...options });
  const code = await run(argv, io);
  return { code, out: io.printed.out(), err: io.printed.err() };
}

describe("a wrong command line", () => {
  test.each([
    [["statsu", "x"], "(Did you mean status?)"],
    [["status", "x", "--al"], "(Did you mean --all?)"],
    [["audit", "verfy"], "(Did you mean verify?)"],
    [["status"], "missing required argument 'campaign'"],
    [["status", "a", "b"], "too many arguments"],
    [["status", "../x"], "no campaign's name"],
    [["diff", "x", "name-only"], "Write it as owner/name."],
    [["logs", "x", "acme/.."], "Write it as owner/name."],
    [["preview", "x", "--timeout", "5"], "Write it as 90s, 10m or 2h."],
    [["audit", "list", "--limit", "0"], "no whole number of at least 1"],
    [["help", "exit-code"], 'did you mean "exit-codes"?'],
    [[], "No command was given."],
    [["audit"], "No command was given."],
  ])("%j ends with 2 and says what is meant", async (argv, message) => {
    const { code, out, err } = await octobatch(argv);
    expect(code).toBe(exitCodes.usage);
    expect(err).toContain(message);
    expect(out).toBe("");
  });

  test.each([[["statsu", "--json"]], [["--json"]], [["audit", "--json"]], [["preview", "--json", "x", "--timeout"]]])(
    "%j is answered as JSON and nothing else",
    async (argv) => {
      const { code, out, err } = await octobatch(argv);
      expect(code).toBe(exitCodes.usage);
      expect(JSON.parse(err)).toMatchObject({ error: { code: "usage" } });
      expect(out).toBe("");
    },
  );
});

describe("help and version", () => {
  test("help explains a command, and --help does the same", async () => {
    const { code, out } = await octobatch(["help", "audit", "list"]);
    expect([code, out]).toEqual([exitCodes.ok, expect.stringContaining("Usage: octobatch audit list")]);
    expect((await octobatch(["audit", "list", "--help"])).out).toBe(out);
  });

  test("help exit-codes lists them", async () => {
    const { out } = await octobatch(["help", "exit-codes"]);
    expect(out).toContain(" 77  The token");
    expect(JSON.parse((await octobatch(["help", "exit-codes", "--json"])).out).exitCodes).toContainEqual({
      code: 5,
      name: "invalidSpec",
      meaning: expect.any(String),
    });
  });

  test("version is text or JSON", async () => {
    expect((await octobatch(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/u);
    expect(JSON.parse((await octobatch(["version", "--json"])).out)).toEqual({ version: expect.any(String) });
  });
});

describe("what goes wrong", () => {
  test("never shows a stack, unless OCTOBATCH_DEBUG asks for it", async () => {
    const fetch = () => Promise.reject(new TypeError("fetch failed"));
    expect((await octobatch(["campaigns"], { fetch })).err).not.toContain("    at ");
    const debug = await octobatch(["campaigns"], { fetch, env: { ...env, OCTOBATCH_DEBUG: "1" } });
    expect(debug.err).toContain("    at ");
    expect(debug.err).toContain("caused by TypeError: fetch failed");
  });

  test("an answer of another version is not understood, and the field is named", async () => {
    const fetch = () => Promise.resolve(Response.json({ campaigns: [{ name: 1 }] }));
    const { code, err } = await octobatch(["campaigns"], { fetch });
    expect([code, err]).toEqual([exitCodes.notUnderstood, expect.stringContaining("campaigns.0.name")]);
  });

  test("a message of the service cannot steer the terminal", async () => {
    const error = { code: "conflict", message: "\u001b]0;title\u0007" };
    const fetch = () => Promise.resolve(Response.json({ error }, { status: 409 }));
    expect((await octobatch(["campaigns"], { fetch })).err).toBe("octobatch: ␛]0;title␇\n");
  });

  test.each([
    ["SIGINT", exitCodes.interrupted, /^octobatch: Interrupted\.\n.*goes on in the service/u],
    ["SIGTERM", exitCodes.terminated, /^octobatch: Terminated\./u],
    ["closed-output", exitCodes.ok, /^$/u],
  ] as const)("%s ends the waiting and not the work", async (by, exitCode, message) => {
    const io = createTestIo({
      env,
      fetch: () => {
        io.interrupt(new Interruption(by));
        return Promise.reject(new TypeError("aborted"));
      },
    });
    expect(await run(["preview", "x"], io)).toBe(exitCode);
    expect(io.printed.err()).toMatch(message);
  });
});

describe("dev", () => {
  test("hands its options over with absolute paths, and ends as it ends", async () => {
    const seen: unknown[] = [];
    const io = createTestIo({ cwd: "/work" });
    const argv = [
      "dev",
      "--private-key",
      "app.pem",
      "--app-id",
      "7",
      "--port",
      "0",
      "--data",
      "here",
      "--isolation",
      "none",
    ];
    const code = await run(argv, io, (options) => {
      seen.push(options);
      return Promise.resolve(78);
    });
    expect(code).toBe(exitCodes.configuration);
    expect(seen).toEqual([{ appId: "7", privateKey: "/work/app.pem", port: 0, data: "/work/here", isolation: "none" }]);
  });

  test("an isolation that does not exist is a mistake of usage", async () => {
    expect((await octobatch(["dev", "--isolation", "docker"])).code).toBe(exitCodes.usage);
  });
});
