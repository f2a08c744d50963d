import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "#shared/adapters/process/run-command.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { fingerprintOf } from "#shared/tokens/fingerprint.ts";
import { openSandboxWorld, type SandboxWorld } from "#shared/testing/sandbox-world.ts";
import type { RemoteAccess } from "./remote.ts";
import { createTrustedRepository } from "./trusted-repository.ts";
import { createSourceCache, type Sources } from "./source-cache.ts";

type Source = TransformJob["source"];

let world: SandboxWorld;
let directory: string;
const wanted = new AbortController().signal;

beforeEach(async () => {
  world = await openSandboxWorld();
  directory = await mkdtemp(join(world.directory, "cache-"));
  await mkdir(join(directory, "incoming"));
});
afterEach(() => world.close());

const granted = (source: Source): Promise<RemoteAccess> => world.codeHost.gitAccess(source);

const open = (
  limitBytes = 1 << 30,
  access: (source: Source, refused?: string) => Promise<RemoteAccess> = granted,
): Sources =>
  createSourceCache({
    directory: join(directory, "sources"),
    incoming: join(directory, "incoming"),
    limitBytes,
    access,
    way: undefined,
    run: (command) => runCommand(command),
  });

let places = 0;

/** Brings the commit somewhere; answers its files, read from there alone. */
async function bring(sources: Sources, source: Source, signal = wanted): Promise<string> {
  const gitDirectory = join(directory, `repository-${(places += 1)}`);
  const { baseTree } = await sources.bring(source, gitDirectory, signal);
  createTrustedRepository(gitDirectory);
  expect(baseTree).toBe((await world.git(source.name, "rev-parse", `${source.commit}^{tree}`)).trim());
  const { stdout, stderr } = await runCommand({
    argv: ["git", "--git-dir", gitDirectory, "archive", "--format=tar", source.commit],
    environment: { PATH: "/usr/local/bin:/usr/bin:/bin", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    timeoutMs: 60_000,
    maxOutputBytes: 1 << 26,
  });
  expect(stderr).toBe("");
  await rm(gitDirectory, { recursive: true });
  return stdout.toString("latin1");
}

/** A commit more, which changes one file. */
async function commitMore(name: string): Promise<string> {
  const blob = (await world.git(name, "rev-parse", "HEAD:README.md")).trim();
  const tree = Buffer.concat([Buffer.from("100644 COPY\0"), Buffer.from(blob, "hex")]);
  const commit = await world.commitTree(name, tree);
  await world.git(name, "update-ref", "refs/heads/main", commit);
  return commit;
}

test("a commit is fetched once, however often and from however many processes it is wanted", async () => {
  const source = await world.addRepository("plain", "echo one > README.md");
  const here = open();
  const files = await Promise.all([bring(here, source), bring(here, source), bring(here, source)]);
  expect(files[0]).toContain("README.md");
  expect(await bring(open(), source)).toBe(files[0]);
  expect(world.server.requests).toEqual(["POST /plain.git/git-upload-pack"]);
});

test("two processes that fetch the same at once both get it, and one copy is kept", async () => {
  const source = await world.addRepository("plain", "echo one > README.md");
  const [one, other] = await Promise.all([bring(open(), source), bring(open(), source)]);
  expect(one).toBe(other);
  const [repository = ""] = await readdir(join(directory, "sources"));
  expect(await readdir(join(directory, "sources", repository))).toEqual([source.commit]);
  expect(await readdir(join(directory, "incoming"))).toEqual([]);
});

test("of a newer commit only what is missing is sent", async () => {
  const source = await world.addRepository("plain", "head -c 3000000 /dev/urandom > README.md");
  const sources = open();
  await bring(sources, source);
  const newer = { ...source, commit: await commitMore("plain") };
  expect(await bring(sources, newer)).toContain("COPY");
  const [repository = ""] = await readdir(join(directory, "sources"));
  const packs = join(directory, "sources", repository, newer.commit, "objects", "pack");
  const names = (await readdir(packs)).filter((name) => name.endsWith(".pack"));
  const found = await Promise.all(names.map((name) => stat(join(packs, name))));
  // Those of the older commit have two names by now.
  expect(found.map(({ nlink }) => nlink).toSorted((a, b) => a - b)).toEqual([1, 2]);
  expect(found.find(({ nlink }) => nlink === 1)?.size).toBeLessThan(100_000);
});

test("of a file that has changed a little, little is sent", async () => {
  const source = await world.addRepository("plain", "head -c 300000 /dev/urandom | base64 > README.md");
  const sources = open();
  await bring(sources, source);
  const blob = (await world.git("plain", "cat-file", "blob", "HEAD:README.md")).replace("a", "b");
  await writeFile(join(directory, "changed"), blob);
  const changed = (await world.git("plain", "hash-object", "-w", join(directory, "changed"))).trim();
  const tree = Buffer.concat([Buffer.from("100644 README.md\0"), Buffer.from(changed, "hex")]);
  const newer = { ...source, commit: await world.commitTree("plain", tree) };
  const before = world.server.sentBytes();
  expect(await bring(sources, newer)).toContain(blob.slice(-100));
  expect(world.server.sentBytes() - before).toBeLessThan(10_000);
});

test("what was not used for longest goes when there is too much, and everybody still gets what they want", async () => {
  const script = "head -c 200000 /dev/urandom > README.md";
  const all = await Promise.all(["a", "b", "c", "d", "e", "f", "g"].map((name) => world.addRepository(name, script)));
  // One node id for all would make them one repository.
  const [last, ...made] = all.map((source, index) => ({ ...source, repositoryNodeId: `R_${index}` }));
  const sources = open(650_000);
  for (let round = 0; round < 2; round += 1) {
    const got = await Promise.all(made.map((source) => bring(sources, source)));
    expect(new Set(got).size).toBe(made.length);
  }
  // What somebody works with counts half: now nobody does.
  if (last !== undefined) await bring(sources, last);
  const kept = await readdir(join(directory, "sources"), { recursive: true });
  expect(kept.filter((path) => path.endsWith("base-tree")).length).toBeLessThanOrEqual(3);
  expect(await readdir(join(directory, "incoming"))).toEqual([]);
});

test("a commit that is there in part is fetched anew", async () => {
  const source = await world.addRepository("plain", "echo one > README.md");
  const files = await bring(open(), source);
  const [repository = ""] = await readdir(join(directory, "sources"));
  await rm(join(directory, "sources", repository, source.commit, "base-tree"));
  await rm(join(directory, "sources", repository, source.commit, "objects"), { recursive: true });
  expect(await bring(open(), source)).toBe(files);
});

test("a commit whose name of a tree was lost is fetched anew", async () => {
  const source = await world.addRepository("plain", "echo one > README.md");
  const files = await bring(open(), source);
  const [repository = ""] = await readdir(join(directory, "sources"));
  await writeFile(join(directory, "sources", repository, source.commit, "base-tree"), "");
  expect(await bring(open(), source)).toBe(files);
});

test("a later commit does not suffer from damage to the one that it starts from, which goes", async () => {
  const source = await world.addRepository("plain", "head -c 30000 /dev/urandom | base64 > README.md");
  await bring(open(), source);
  const [repository = ""] = await readdir(join(directory, "sources"));
  const packs = join(directory, "sources", repository, source.commit, "objects", "pack");
  for (const name of (await readdir(packs)).filter((each) => each.endsWith(".pack"))) {
    const { size } = await stat(join(packs, name));
    await rm(join(packs, name));
    await writeFile(join(packs, name), Buffer.alloc(size));
  }
  const newer = { ...source, commit: await commitMore("plain") };
  expect(await bring(open(), newer)).toContain("COPY");
  const upload = "POST /plain.git/git-upload-pack";
  expect(world.server.requests).toEqual([upload, upload, upload]);
  expect(await readdir(join(directory, "sources", repository))).toEqual([newer.commit]);
  expect(await readdir(join(directory, "incoming"))).toEqual([]);
});

test("a commit that turns out to be damaged in use is dropped, and one that is whole is not", async () => {
  const source = await world.addRepository("plain", "head -c 30000 /dev/urandom | base64 > README.md");
  const sources = open();
  const files = await bring(sources, source);
  const gitDirectory = join(directory, "in-use");
  await sources.bring(source, gitDirectory, wanted);
  expect(await sources.dropIfDamaged(source, gitDirectory)).toBe(false);
  const [repository = ""] = await readdir(join(directory, "sources"));
  expect(await readdir(join(directory, "sources", repository))).toEqual([source.commit]);

  const packs = join(gitDirectory, "objects", "pack");
  const name = (await readdir(packs)).find((each) => each.endsWith(".pack")) ?? "";
  const pack = await readFile(join(packs, name));
  pack.writeUInt8(pack.readUInt8(pack.length >> 1) ^ 1, pack.length >> 1);
  await chmod(join(packs, name), 0o644);
  await writeFile(join(packs, name), pack);
  expect(await sources.dropIfDamaged(source, gitDirectory)).toBe(true);
  expect(await readdir(join(directory, "sources", repository))).toEqual([]);
  expect(await bring(sources, source)).toBe(files);
});

test("without a cache nothing is kept", async () => {
  const source = await world.addRepository("plain", "echo one > README.md");
  const sources = open(0);
  await bring(sources, source);
  await bring(sources, source);
  const upload = "POST /plain.git/git-upload-pack";
  expect(world.server.requests).toEqual([upload, upload]);
  expect(await readdir(directory)).toEqual(["incoming"]);
});

test("who does not want it any more does not wait for it", async () => {
  const source = await world.addRepository("plain", "echo one > README.md");
  const asked = Promise.withResolvers<void>();
  const forEver = new Promise<never>(() => undefined);
  const sources = open(1 << 30, () => {
    asked.resolve();
    return forEver;
  });
  const abort = new AbortController();
  const brought = bring(sources, source, abort.signal);
  await asked.promise;
  abort.abort(new Error("it was cancelled"));
  await expect(brought).rejects.toThrow("it was cancelled");
});

test("a fetch that nobody waits for any more is given up, and leaves nothing", async () => {
  const began = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    response.on("close", left.resolve);
    began.resolve();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // A listening TCP server has an address of this type.
  const { port } = server.address() as AddressInfo;
  const source = await world.addRepository("plain", "echo one > README.md");
  const sources = open(1 << 30, () => Promise.resolve({ url: `http://127.0.0.1:${port}/plain.git` }));
  const [one, other] = [new AbortController(), new AbortController()];
  const gone = bring(sources, source, one.signal);
  const stays = bring(sources, source, other.signal);
  await began.promise;
  one.abort(new Error("one is cancelled"));
  await expect(gone).rejects.toThrow("one is cancelled");
  expect(await readdir(join(directory, "incoming"))).toHaveLength(1);
  other.abort(new Error("the other is cancelled"));
  await expect(stays).rejects.toThrow("the other is cancelled");
  await left.promise;
  await expect.poll(() => readdir(join(directory, "incoming"))).toEqual([]);
  server.close();
});

test("who comes after a fetch was given up gets one of their own", async () => {
  const source = await world.addRepository("plain", "echo one > README.md");
  const asked = Promise.withResolvers<void>();
  let isFirst = true;
  const sources = open(1 << 30, (each) => {
    if (!isFirst) return granted(each);
    isFirst = false;
    asked.resolve();
    return new Promise<never>(() => undefined);
  });
  const abort = new AbortController();
  const brought = bring(sources, source, abort.signal);
  await asked.promise;
  abort.abort(new Error("it was cancelled"));
  await expect(brought).rejects.toThrow("it was cancelled");
  expect(await bring(sources, source)).toContain("README.md");
});

test("a token that is not accepted is replaced once", async () => {
  const source = await world.addRepository("plain", "echo one > README.md");
  const refusals: (string | undefined)[] = [];
  const sources = open(1 << 30, async (each, refused) => {
    refusals.push(refused);
    const access = await granted(each);
    return refused === undefined ? { ...access, token: "ghs_revoked" } : access;
  });
  expect(await bring(sources, source)).toContain("README.md");
  expect(refusals).toEqual([undefined, fingerprintOf("ghs_revoked")]);
  const never = open(0, async (each) => ({ ...(await granted(each)), token: "ghs_revoked" }));
  await expect(bring(never, source)).rejects.toMatchObject({ retryable: false, status: 401 });
});
