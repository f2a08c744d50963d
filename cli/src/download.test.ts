import { lstat, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { exitCodes } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { openApiWorld, type ApiWorld } from "./testing/api-world.ts";
import { aPatch, makePreviewed, runAgainst } from "./testing/command-line.ts";

let world: ApiWorld;
let cwd: string;
beforeAll(async () => {
  world = await openApiWorld();
  await makePreviewed(world, "shown");
});
afterAll(() => world.close());
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "octobatch-download-"));
});
afterEach(() => rm(cwd, { recursive: true }));

const octobatch = (commandLine: string, fetch: Io["fetch"] = world.fetch) =>
  runAgainst({ ...world, fetch }, commandLine, { cwd });

test("artifacts lists what there is", async () => {
  const { out } = await octobatch("artifacts shown acme/changed");
  expect(out).toMatch(new RegExp(`^patch +${aPatch.length}$`, "mu"));
  expect(out).toMatch(/^log +1 +\d+$/mu);
  const { artifacts } = JSON.parse((await octobatch("artifacts shown acme/changed --json")).out);
  expect(artifacts).toContainEqual({ kind: "patch", fileName: "patch.diff", sizeBytes: aPatch.length });
});

test("everything is saved under the repository's name, and said where", async () => {
  const { code, out } = await octobatch("download shown acme/changed -o some/folder");
  expect(code).toBe(exitCodes.ok);
  const names = ["acme-changed.patch.diff", "acme-changed.result.json", "acme-changed.step-1.log"];
  expect((await readdir(join(cwd, "some/folder"))).toSorted()).toEqual(names);
  expect(out.split("\n").filter(Boolean).toSorted()).toEqual(names.map((name) => join(cwd, "some/folder", name)));
  expect(await readFile(join(cwd, "some/folder", "acme-changed.patch.diff"), "utf8")).toBe(aPatch);
});

test("one kind, or the log of one step, is saved alone", async () => {
  await octobatch("download shown acme/changed --kind patch");
  await octobatch("download shown acme/broken --step 1");
  expect((await readdir(cwd)).toSorted()).toEqual(["acme-broken.step-1.log", "acme-changed.patch.diff"]);
  const { code, err } = await octobatch("download shown acme/same --kind patch");
  expect([code, err]).toEqual([exitCodes.notFound, expect.stringContaining("octobatch artifacts shown acme/same")]);
});

describe("a file that is there", () => {
  const path = () => join(cwd, "acme-changed.patch.diff");
  const command = "download shown acme/changed --kind patch";

  test("is not written over unless --force says so", async () => {
    await writeFile(path(), "mine");
    const { code, err } = await octobatch(command);
    expect([code, err]).toEqual([exitCodes.usage, expect.stringContaining("--force")]);
    expect(await readFile(path(), "utf8")).toBe("mine");
    expect((await octobatch(`${command} --force`)).code).toBe(exitCodes.ok);
    expect(await readFile(path(), "utf8")).toBe(aPatch);
  });

  test("and is a link, even to nowhere, is not followed", async () => {
    await writeFile(join(cwd, "precious"), "mine");
    for (const target of ["precious", "nowhere"]) {
      await symlink(join(cwd, target), path());
      expect((await octobatch(command)).code).toBe(exitCodes.usage);
      expect((await octobatch(`${command} --force`)).code).toBe(exitCodes.ok);
      expect((await lstat(path())).isFile()).toBe(true);
      await rm(path());
    }
    expect(await readFile(join(cwd, "precious"), "utf8")).toBe("mine");
    expect(await readdir(cwd)).toEqual(["precious"]);
  });

  test("and came meanwhile is not written over either", async () => {
    const fetch: Io["fetch"] = async (input, init) => {
      const response = await world.fetch(input, init);
      if (new Request(input).url.endsWith("/artifacts/patch")) await writeFile(path(), "mine");
      return response;
    };
    expect((await octobatch(command, fetch)).code).toBe(exitCodes.usage);
    expect(await readFile(path(), "utf8")).toBe("mine");
  });
});

test("names that the service makes up lead nowhere else", async () => {
  const body = { artifacts: [{ kind: "patch", fileName: "../../etc/passwd", sizeBytes: 3 }] };
  const fetch: Io["fetch"] = async (input) =>
    new Request(input).url.endsWith("/artifacts")
      ? Response.json(body)
      : new Response("abc", { headers: { "content-disposition": 'attachment; filename="../../x"' } });
  await octobatch("download shown acme/changed --workspace ../../up --output in", async (input, init) =>
    fetch(new URL(new Request(input).url.replace(/\?.*/u, "")), init),
  );
  expect(await readdir(cwd)).toEqual(["in"]);
  expect(await readdir(join(cwd, "in"))).toEqual(["acme-changed-..-..-up.patch.diff"]);
});

test("a download that is cut off leaves nothing behind", async () => {
  for (const text of ["ab", "abcdef"]) {
    const fetch: Io["fetch"] = async (input) =>
      new Request(input).url.endsWith("/artifacts")
        ? Response.json({ artifacts: [{ kind: "patch", fileName: "patch.diff", sizeBytes: 3 }] })
        : new Response(text);
    const { code, err } = await octobatch("download shown acme/changed", fetch);
    expect([code, err]).toEqual([exitCodes.unavailable, expect.stringContaining("instead of 3")]);
  }
  expect(await readdir(cwd)).toEqual([]);
});

test("a folder that is a file is said so", async () => {
  await writeFile(join(cwd, "file"), "");
  const { code, err } = await octobatch("download shown acme/changed -o file");
  expect([code, err]).toEqual([exitCodes.usage, expect.stringContaining("--output")]);
});

describe("where downloads come from the storage itself", () => {
  const asked: Request[] = [];
  const leadingTo =
    (location: string, stored: () => Response): Io["fetch"] =>
    async (input, init) => {
      const request = new Request(input, init);
      asked.push(request);
      if (request.url.startsWith("https://storage.test/")) return stored();
      if (request.url.endsWith("/artifacts/patch")) return new Response(null, { status: 302, headers: { location } });
      return world.fetch(input, init);
    };
  const command = "download shown acme/changed --kind patch";

  test("they are fetched there, without the token", async () => {
    const { code } = await octobatch(
      command,
      leadingTo("https://storage.test/k?sig=1", () => new Response(aPatch)),
    );
    expect([code, await readFile(join(cwd, "acme-changed.patch.diff"), "utf8")]).toEqual([exitCodes.ok, aPatch]);
    expect(asked.at(-1)?.url).toBe("https://storage.test/k?sig=1");
    expect(asked.at(-1)?.headers.get("authorization")).toBeNull();
  });

  test("a storage that refuses, or an address that is none, is said so", async () => {
    const refusing = leadingTo("https://storage.test/k", () => new Response("", { status: 403 }));
    expect((await octobatch(command, refusing)).err).toContain("storage.test answers HTTP 403");
    const nowhere = leadingTo("file:///etc/passwd", () => new Response(aPatch));
    expect((await octobatch(command, nowhere)).code).toBe(exitCodes.notUnderstood);
    expect(await readdir(cwd)).toEqual([]);
  });
});
