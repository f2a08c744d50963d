import { execFile } from "node:child_process";
import { lstat, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedRepositories, type SeededRepository } from "./seed-repositories.ts";

const run = promisify(execFile);
const nodeModules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
let scratch = "";
let repositories: readonly SeededRepository[] = [];

const seed = (directory: string, count: number) =>
  seedRepositories({ directory: join(scratch, directory), organization: "acme", count, nodeModules });

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "octobatch-seed-"));
  repositories = await seed("first", 64);
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

async function git(repository: SeededRepository, ...args: readonly string[]): Promise<string> {
  return (await run("git", ["-C", repository.bareDirectory, ...args], { maxBuffer: 2 ** 26 })).stdout;
}

function repositoryNamed(name: string, among = repositories): SeededRepository {
  const found = among.find((repository) => repository.name === name);
  if (found === undefined) throw new Error(`${name} was not seeded.`);
  return found;
}

describe("seeding repositories", () => {
  it("makes as many as were asked for, each under its own name", () => {
    expect(new Set(repositories.map(({ name }) => name)).size).toBe(64);
  });

  it("writes the real files, with their modes, as git itself would check them", async () => {
    const repository = repositoryNamed("semver");
    await git(repository, "fsck", "--strict");
    expect(await git(repository, "show", "HEAD:package.json")).toBe(
      await readFile(join(nodeModules, "semver/package.json"), "utf8"),
    );
    const { mode } = await lstat(join(nodeModules, "semver/bin/semver.js"));
    expect(await git(repository, "ls-tree", "HEAD", "bin/semver.js")).toMatch(mode & 0o100 ? /^100755/ : /^100644/);
  });

  it("gives each a few commits on its default branch, and some call it master", async () => {
    for (const repository of repositories.filter(({ isEmpty }) => !isEmpty)) {
      const log = await git(repository, "log", "--format=%s", repository.defaultBranch);
      expect(log.trim().split("\n").length).toBeGreaterThan(1);
    }
    expect(new Set(repositories.map(({ defaultBranch }) => defaultBranch))).toEqual(new Set(["main", "master"]));
  });

  it("has one repository that is empty, one archived and one fork, and languages and topics for the rest", async () => {
    expect(repositories.filter(({ isArchived }) => isArchived).map(({ name }) => name)).toEqual(["commondir"]);
    expect(repositories.filter(({ isFork }) => isFork).map(({ name }) => name)).toEqual(["colorette"]);
    const empty = repositories.filter(({ isEmpty }) => isEmpty);
    expect(empty.map(({ name, language }) => ({ name, language }))).toEqual([
      { name: "incubator", language: undefined },
    ]);
    expect(repositoryNamed("chalk")).toMatchObject({
      language: "JavaScript",
      topics: expect.arrayContaining(["color"]),
    });
    expect(new Set(repositories.map(({ language }) => language))).toContain("TypeScript");
  });

  it("makes the same commits every time, and others for no reason", async () => {
    const again = await seed("second", 64);
    const head = (name: string, among: readonly SeededRepository[]) =>
      git(repositoryNamed(name, among), "rev-parse", "HEAD");
    for (const name of ["chalk", "pino", "uuid"]) expect(await head(name, again)).toBe(await head(name, repositories));
  });

  it("leaves what is there when it is asked again, and makes it anew when a repository is gone", async () => {
    const small = await seed("third", 5);
    const [first] = small;
    if (first === undefined) throw new Error("nothing was seeded");
    await git(first, "update-ref", "refs/heads/from-a-person", "HEAD");
    expect(await seed("third", 5)).toEqual(small);
    expect(await git(first, "branch", "--list", "from-a-person")).toContain("from-a-person");

    await rm(first.bareDirectory, { recursive: true });
    await seed("third", 5);
    await expect(stat(join(first.bareDirectory, "HEAD"))).resolves.toBeDefined();
    expect(await git(first, "branch", "--list", "from-a-person")).toBe("");
  });

  it("says so when there are not enough packages", async () => {
    await expect(seed("fourth", 5000)).rejects.toThrow(/and 4999 are wanted: ask for fewer/);
  });
});
