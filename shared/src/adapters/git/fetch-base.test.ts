import { expect, test } from "vitest";
import { fetchBase } from "./fetch-base.ts";
import { GitFailed, type Command, type CommandResult } from "./git-command.ts";

const commit = "a".repeat(40);
const token = "ghs_secret";
const ended: CommandResult = {
  exitCode: 0,
  stdout: Buffer.alloc(0),
  stderr: "",
  timedOut: false,
  outputExceeded: false,
};

/** Fetches with a git that ends as told; answers what it was asked to run. */
async function fetchWith(result: Partial<CommandResult>, url = "https://github.com/acme/app.git"): Promise<Command> {
  let asked: Command | undefined;
  await fetchBase({
    gitDirectory: "/git",
    access: { url, token },
    commit,
    timeoutMs: 1000,
    run: (command) => {
      asked = command;
      return Promise.resolve({ ...ended, ...result });
    },
  });
  if (asked === undefined) throw new Error("git was not run");
  return asked;
}

test("the token is on no command line, and goes to the host of the URL alone, without redirects", async () => {
  const { argv, environment } = await fetchWith({});
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  expect(argv.join(" ")).not.toMatch(new RegExp(`${token}|${basic}`));
  const settings = new Map(
    Array.from({ length: Number(environment["GIT_CONFIG_COUNT"]) }, (_, index) => [
      environment[`GIT_CONFIG_KEY_${index}`],
      environment[`GIT_CONFIG_VALUE_${index}`],
    ]),
  );
  expect(settings.get("http.https://github.com/.extraHeader")).toBe(`Authorization: Basic ${basic}`);
  expect(settings.get("http.followRedirects")).toBe("false");
  expect(settings.get("protocol.allow")).toBe("never");
  expect(settings.get("protocol.https.allow")).toBe("always");
  expect(settings.get("protocol.http.allow")).toBeUndefined();
});

test.each(["http://github.com/a/b.git", "file:///etc", "ssh://github.com/a/b", "https://user:pw@github.com/a/b.git"])(
  "%s is refused",
  async (url) => {
    await expect(fetchWith({}, url)).rejects.toThrow(GitFailed);
  },
);

test.each([
  ["fatal: remote error: upload-pack: not our ref aaaa", false, /force push/],
  ["fatal: Authentication failed for 'https://github.com/acme/app.git/'", false, /read access/],
  ["remote: Repository not found.\nfatal: repository 'x' not found", false, /read access/],
  ["fatal: unable to access 'x': Could not resolve host: github.com", true, /failed/],
  ["fatal: unable to access 'x': The requested URL returned error: 502", true, /502/],
  [`fatal: bad header ${token}`, true, /\*\*\*/],
])("git saying %j is judged", async (stderr, retryable, message) => {
  const failure: unknown = await fetchWith({ exitCode: 128, stderr }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: "GitFailed", retryable, message: expect.stringMatching(message) });
  expect(String(failure)).not.toContain(token);
});

test("a fetch that takes too long may be tried again", async () => {
  await expect(fetchWith({ exitCode: undefined, timedOut: true })).rejects.toMatchObject({
    retryable: true,
  });
});
