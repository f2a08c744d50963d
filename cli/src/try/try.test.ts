import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startGitServer, type GitServer } from "#shared/testing/git-server.ts";
import { isolationMissing } from "#shared/testing/isolation.ts";
import { exitCodes } from "../exit-codes.ts";
import { Interruption, type Io } from "../io.ts";
import { run } from "../run.ts";
import { createTestIo } from "../testing/test-io.ts";

const runFile = promisify(execFile);
const missing = await isolationMissing("bubblewrap");

let directory: string;
let repository: string;
/** Where work in progress goes. */
let temporary: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-cli-"));
  repository = join(directory, "api");
  temporary = join(directory, "tmp");
  await mkdir(temporary);
  vi.stubEnv("TMPDIR", temporary);
  await git(directory, "init", "--quiet", "--initial-branch=main", "api");
  await git(repository, "remote", "add", "origin", "git@github.com:acme/api.git");
  await commit({ "README.md": "# API\n" });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const who = ["-c", "user.name=ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always"];
  return (await runFile("git", [...who, ...args], { cwd })).stdout.trim();
}

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), content);
  }
}

async function commit(files: Readonly<Record<string, string>>): Promise<void> {
  await write(files);
  await git(repository, "add", "--all");
  await git(repository, "commit", "--quiet", "--message=files");
}

/** A spec of these steps, on standard input. */
const spec = (steps: string, more = ""): string => `version: 1
name: greet
on: [{ org: acme }]
${more}
steps:
${steps}
pullRequest: { title: Greet, body: "" }
`;
const step = (script: string, more = ""): string => `  - { image: alpine, run: ${JSON.stringify(script)}${more} }\n`;

async function tryOut(
  stdin: string,
  args: readonly string[] = [],
  { env = {}, cwd = repository }: Partial<Pick<Io, "env" | "cwd">> = {},
) {
  const io = createTestIo({ stdin, cwd, env });
  const code = await run(["try", "-", ...args], io);
  return { code, out: io.printed.out(), err: io.printed.err() };
}

describe.skipIf(missing !== undefined)("a spec that is tried", () => {
  test("prints the patch alone to standard output, and git apply takes it", async () => {
    const { code, out, err } = await tryOut(
      spec(step("echo working on ${{ repository.name }}; echo hello >> README.md") + step("echo new > NEW")),
    );
    expect(err).toContain("greet on acme/api, main at ");
    expect(err).toContain("== step 1\nworking on acme/api\n== step 2\n== step 1 ran");
    expect(out).toMatch(/^# acme\/api \(2 files, \+2 -0\)\ndiff --git /);
    expect(code).toBe(exitCodes.ok);
    await writeFile(join(directory, "patch"), out);
    await git(repository, "apply", join(directory, "patch"));
    expect(await readFile(join(repository, "README.md"), "utf8")).toBe("# API\nhello\n");
    expect(await readFile(join(repository, "NEW"), "utf8")).toBe("new\n");
  });

  test("sees what is committed alone, and leaves the repository and the machine as they were", async () => {
    await write({ "README.md": "# changed\n", DRAFT: "draft\n" });
    const state = async () => [
      await git(repository, "--no-optional-locks", "status", "--porcelain"),
      await readdir(repository, { recursive: true }),
      await readFile(join(repository, ".git/index"), "latin1"),
      await readdir(temporary),
    ];
    const before = await state();
    const { code, out, err } = await tryOut(spec(step("ls; cat README.md; echo hello > HELLO")));
    expect(code).toBe(exitCodes.ok);
    expect(err).toContain("2 files have changes that are not committed: the steps do not see them.");
    expect(err).toContain("README.md\n# API\n");
    expect(out).toContain("+++ b/HELLO");
    expect(await state()).toEqual(before);
  });

  test("takes a shallow clone, from a folder within it", async () => {
    await commit({ "src/main.ts": "1\n" });
    await git(directory, "clone", "--quiet", "--depth=1", `file://${repository}`, "shallow");
    const { code, err } = await tryOut(spec(step("cat src/main.ts")), ["--dir", "shallow/src"], { cwd: directory });
    expect(err).toContain("== step 1\n1\n");
    expect(err).toContain("== no change");
    expect(code).toBe(exitCodes.ok);
  });

  test("ends with 6 when a step fails, and shows what it printed", async () => {
    const { code, out, err } = await tryOut(spec(step("echo trying; echo broken >&2; exit 3") + step("echo never")));
    expect(code).toBe(exitCodes.someFailed);
    expect(err).toContain("== step 1\ntrying\nbroken\n== step 1 failed with exit code 3");
    expect(err).toContain("step 2 not-reached");
    expect(err).toContain("== failed: Step 1 ended with exit code 3. Its last words: broken");
    expect(out).toBe("");
  });

  test("gives steps the secrets that are named, and shows none of them", async () => {
    const steps = step('echo "$ONE" "$TWO" | rev', ", env: { ONE: { secret: ONE }, TWO: { secret: TWO } }");
    const shown = step('echo "$ONE" "$TWO"', ", env: { ONE: { secret: ONE }, TWO: { secret: TWO } }");
    const env = { ONE: "the-first-secret", OCTOBATCH_SECRETS: JSON.stringify({ TWO: "the-second-secret" }) };
    const { code, err } = await tryOut(spec(steps + shown), ["--secret", "ONE"], { env });
    expect(code).toBe(exitCodes.ok);
    expect(err).toContain("terces-dnoces-eht terces-tsrif-eht\n");
    expect(err).toContain("***ONE*** ***TWO***\n");
    const withheld = await tryOut(spec(shown), [], { env });
    expect(withheld.code).toBe(exitCodes.someFailed);
    expect(withheld.err).toContain("uses the secret ONE, which is not set");
  });

  test("with --json prints one document and nothing else", async () => {
    const { code, out, err } = await tryOut(spec(step("echo hello | tee HELLO")), ["--json"]);
    expect(code).toBe(exitCodes.ok);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({
      campaign: "greet",
      repository: "acme/api",
      branch: "main",
      commit: await git(repository, "rev-parse", "HEAD"),
      workspaces: [
        {
          status: "patch",
          statistics: { filesChanged: 1, additions: 1, deletions: 0 },
          steps: [{ index: 0, status: "ran", exitCode: 0, log: "hello\n" }],
          diff: expect.stringContaining("+hello\n") as string,
        },
      ],
    });
  });

  test("runs in one workspace after the other, or in the one that is named, and writes the patches to a file", async () => {
    await commit({ "packages/a/package.json": "{}\n", "packages/b/package.json": "{}\n" });
    const divided = spec(step("echo hello > HELLO"), "workspaces: [{ rootAtLocationOf: package.json }]");
    const all = await tryOut(divided, ["--patch", "all.patch"]);
    expect(all.code).toBe(exitCodes.ok);
    expect(all.out.match(/^# .*$/gm)).toEqual([
      "# acme/api packages/a (1 files, +1 -0)",
      "# acme/api packages/b (1 files, +1 -0)",
    ]);
    await git(repository, "apply", "all.patch");
    expect(await readFile(join(repository, "packages/b/HELLO"), "utf8")).toBe("hello\n");
    const one = await tryOut(divided, ["--workspace", "packages/b/"]);
    expect(one.out.match(/^# .*$/gm)).toEqual(["# acme/api packages/b (1 files, +1 -0)"]);
    const none = await tryOut(divided, ["--workspace", "packages/c"]);
    expect(none).toMatchObject({ code: exitCodes.notFound, out: "" });
    expect(none.err).toContain("It has these: packages/a, packages/b");
  });

  // A number that no other process sleeps for.
  const endless = `sleep ${100_000 + process.pid}`;

  test.each([
    ["between two steps", step("echo first") + step(`${endless} & ${endless}`), []],
    ["while a step runs", step(`echo first; ${endless} & ${endless}`), []],
    ["without a sandbox", step(`echo first; ${endless} & ${endless}`), ["--isolation", "none"]],
  ])("that is interrupted %s ends what it started, and leaves nothing", async (_, steps, args) => {
    const io = createTestIo({ stdin: spec(steps), cwd: repository });
    const stderr = {
      ...io.stderr,
      write(data: string | Uint8Array) {
        io.stderr.write(data);
        if (String(data).includes("first")) io.interrupt(new Interruption("SIGINT"));
      },
    };
    expect(await run(["try", "-", ...args], { ...io, stderr })).toBe(exitCodes.interrupted);
    expect(io.printed.err()).toContain("what was started has ended, and nothing is left of it");
    expect(await readdir(temporary)).toEqual([]);
    await expect(runFile("pgrep", ["-f", `^${endless}`])).rejects.toMatchObject({ code: 1 });
  });

  describe("on a repository of GitHub", () => {
    let server: GitServer;
    let env: Io["env"];
    beforeEach(async () => {
      await git(repository, "branch", "stable");
      await commit({ "README.md": "# newest\n" });
      await mkdir(join(directory, "github/acme"), { recursive: true });
      await git(directory, "clone", "--quiet", "--bare", repository, "github/acme/api.git");
      server = await startGitServer(join(directory, "github"));
      env = { OCTOBATCH_GITHUB_API_URL: `${server.url}/api/v3`, GITHUB_TOKEN: server.token };
    });
    afterEach(() => server.close());

    const shows = spec(step("cat README.md"));

    test("takes its default branch, or the one that is named, by the reader's own token", async () => {
      const newest = await tryOut(shows, ["--repo", "acme/api"], { env, cwd: "/" });
      expect(newest.err).toContain("greet on acme/api, main at ");
      expect(newest.err).toContain("# newest\n");
      expect(newest.code).toBe(exitCodes.ok);
      const stable = await tryOut(shows, ["--repo", "acme/api", "--branch", "stable"], { env, cwd: "/" });
      expect(stable.err).toContain("greet on acme/api, stable at ");
      expect(stable.err).toContain("# API\n");
    });

    test.each([
      ["the token is missing", ["--repo", "acme/api"], { GITHUB_TOKEN: "" }, "set GITHUB_TOKEN to a token"],
      ["the token is wrong", ["--repo", "acme/api"], { GITHUB_TOKEN: "wrong-token" }, "may read its contents"],
      ["there is no such repository", ["--repo", "acme/none"], {}, "acme/none.git cannot be read"],
      ["there is no such branch", ["--repo", "acme/api", "--branch", "none"], {}, "acme/api has no branch none."],
    ])("ends with 4 when %s", async (_, args, change, message) => {
      const { code, out, err } = await tryOut(shows, args, { env: { ...env, ...change }, cwd: "/" });
      expect(code).toBe(exitCodes.notFound);
      expect(err).toContain(message);
      expect(err).not.toContain(server.token);
      expect(out).toBe("");
    });
  });
});

test.each([
  ["the spec is wrong", spec("  - { run: true }"), [], exitCodes.invalidSpec, "<stdin>:6:"],
  ["there is no repository", spec(step("true")), ["--dir", ".."], exitCodes.usage, "is no git repository"],
  ["a secret is not there", spec(step("true")), ["--secret", "NONE"], exitCodes.usage, "no environment variable NONE"],
  ["two are named", spec(step("true")), ["--dir", ".", "--repo", "acme/api"], exitCodes.usage, "cannot be used with"],
  ["a branch goes with a folder", spec(step("true")), ["--branch", "x"], exitCodes.usage, "--branch goes with --repo"],
])("nothing runs when %s", async (_, stdin, args, expected, message) => {
  const { code, out, err } = await tryOut(stdin, args);
  expect(err).toContain(message);
  expect(code).toBe(expected);
  expect(out).toBe("");
});

test("a repository without a commit is named with what to do", async () => {
  await git(directory, "init", "--quiet", "empty");
  const { code, err } = await tryOut(spec(step("true")), ["--dir", "empty"], { cwd: directory });
  expect(code).toBe(exitCodes.usage);
  expect(err).toContain("Commit something first");
});

test("a repository whose objects are named otherwise than on GitHub is refused with what to do", async () => {
  await git(directory, "init", "--quiet", "--object-format=sha256", "other");
  await git(join(directory, "other"), "commit", "--quiet", "--allow-empty", "--message=first");
  const { code, err } = await tryOut(spec(step("true")), ["--dir", "other"], { cwd: directory });
  expect(code).toBe(exitCodes.usage);
  expect(err).toMatch(/SHA-256[^]*--object-format=sha1/);
});

test("a setting that is wrong is named", async () => {
  const { code, err } = await tryOut(spec(step("true")), [], { env: { OCTOBATCH_STEP_DISK_MB: "much" } });
  expect(code).toBe(exitCodes.configuration);
  expect(err).toContain("OCTOBATCH_STEP_DISK_MB");
});
