import { createHash, randomBytes } from "node:crypto";
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { codeOf } from "../error-code.ts";
import { createTrustedRepository, fetchBase } from "./fetch-base.ts";
import type { RunCommand } from "./git-command.ts";
import type { RemoteAccess } from "./remote.ts";

type Source = TransformJob["source"];

/** Brings the objects of base commits to where they are worked on. */
export interface Sources {
  /**
   * Makes a bare repository in `gitDirectory`, which must not exist, with every object of the source's base commit.
   *
   * @returns the commit's tree. @throws GitFailed when the commit cannot be fetched; `signal.reason` when it is given up.
   */
  bring(source: Source, gitDirectory: string, signal: AbortSignal): Promise<{ readonly baseTree: string }>;
}

interface SourceCacheOptions {
  /** Kept from one process to the next; several processes may share it. On the same disk as what is worked on. */
  readonly directory: string;
  /** For fetches under way, on the same disk. What a crash leaves there somebody else clears away. */
  readonly incoming: string;
  /** What is kept in all, as far as it is not in use; 0 keeps nothing. */
  readonly limitBytes: number;
  readonly access: (source: Source) => Promise<RemoteAccess>;
  readonly gitEnvironment: Readonly<Record<string, string>> | undefined;
  /** Runs git with the network, in a process group that ends with this process. */
  readonly run: RunCommand;
}

const fetchTimeoutMs = 600_000;
/** After so many packs a commit is fetched anew, alone. */
const mostPacks = 20;

/**
 * Keeps the commits that were fetched, a directory each, made elsewhere and renamed into place: so it is there whole or not
 * at all, however many fetch it at once. Nobody works in it: its packs are linked to where they are needed, so one that is
 * cleared away meanwhile stays whole for whoever has it. A later commit of the same repository starts from the packs of the
 * newest one that is there, and only what is missing is sent.
 */
export function createSourceCache(options: SourceCacheOptions): Sources {
  const fetching = new Map<string, Promise<void>>();
  let addedBytes = 0;

  async function fetchInto(source: Source, gitDirectory: string, known: string | undefined): Promise<string> {
    await createTrustedRepository(gitDirectory);
    if (known !== undefined) await startFrom(known, gitDirectory);
    const access = await options.access(source);
    return fetchBase({
      gitDirectory,
      access,
      commit: source.commit,
      timeoutMs: fetchTimeoutMs,
      operatorEnvironment: options.gitEnvironment,
      run: options.run,
    });
  }

  async function add(source: Source, place: string): Promise<void> {
    const incoming = join(options.incoming, `fetch-${randomBytes(8).toString("hex")}`);
    try {
      const repository = dirname(place);
      const baseTree = await fetchInto(source, incoming, await newestIn(repository));
      await writeFile(join(incoming, "base-tree"), baseTree);
      await mkdir(repository, { recursive: true, mode: 0o700 });
      await renameNew(incoming, place);
    } finally {
      await rm(incoming, { recursive: true, force: true });
    }
    addedBytes += (await sizeOf(place)).bytes;
    if (addedBytes < options.limitBytes / 10) return;
    addedBytes = 0;
    await trim(options);
  }

  function addOnce(source: Source, place: string): Promise<void> {
    const known = fetching.get(place);
    if (known !== undefined) return known;
    const added = add(source, place).finally(() => fetching.delete(place));
    fetching.set(place, added);
    return added;
  }

  return {
    async bring(source, gitDirectory, signal) {
      const given = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(asError(signal.reason)), { once: true });
        signal.throwIfAborted();
      });
      given.catch(() => undefined);
      if (options.limitBytes > 0) {
        const place = join(options.directory, repositoryKey(source), source.commit);
        const kept = await take(place, gitDirectory);
        if (kept !== undefined) return { baseTree: kept };
        await Promise.race([addOnce(source, place), given]);
        const fetched = await take(place, gitDirectory);
        if (fetched !== undefined) return { baseTree: fetched };
        // It was cleared away at once: the limit is smaller than what is needed at the same time.
        await rm(gitDirectory, { recursive: true, force: true });
      }
      return { baseTree: await Promise.race([fetchInto(source, gitDirectory, undefined), given]) };
    },
  };
}

/** Links what is kept of a commit into a new repository. @returns its tree, or undefined when it is not there (any more). */
async function take(place: string, gitDirectory: string): Promise<string | undefined> {
  try {
    const baseTree = await readFile(join(place, "base-tree"), "latin1");
    await createTrustedRepository(gitDirectory);
    await linkPacks(place, gitDirectory);
    await copyFile(join(place, "shallow"), join(gitDirectory, "shallow")).catch(ignoreMissing);
    const now = new Date();
    await utimes(place, now, now);
    return baseTree;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    await rm(gitDirectory, { recursive: true, force: true });
    return undefined;
  }
}

/** Lets a fetch say which commit it has. */
async function startFrom(place: string, gitDirectory: string): Promise<void> {
  try {
    const commits = (await readFile(join(place, "shallow"), "latin1")).trim().split("\n");
    await linkPacks(place, gitDirectory);
    await writeFile(join(gitDirectory, "shallow"), commits.map((commit) => `${commit}\n`).join(""));
    const refs = commits.map((commit, index) => `${commit} refs/heads/known-${index}\n`);
    await writeFile(join(gitDirectory, "packed-refs"), refs.join(""));
  } catch (error) {
    // It was cleared away meanwhile, so all of the new commit is fetched.
    if (codeOf(error) !== "ENOENT") throw error;
    await rm(gitDirectory, { recursive: true, force: true });
    await createTrustedRepository(gitDirectory);
  }
}

async function linkPacks(place: string, gitDirectory: string): Promise<void> {
  const from = join(place, "objects", "pack");
  const to = join(gitDirectory, "objects", "pack");
  for (const name of await readdir(from)) {
    if (/\.(pack|idx|rev)$/.test(name)) await linkOrCopy(join(from, name), join(to, name));
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(String(codeOf(error)))) throw error;
    await copyFile(from, to);
  }
}

/** The commit of a repository that was used last, unless it has gathered too many packs. */
async function newestIn(repository: string): Promise<string | undefined> {
  const names = await readdir(repository).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  const places = await Promise.all(names.map((name) => sizeOf(join(repository, name))));
  const newest = places.toSorted((a, b) => b.usedAtMs - a.usedAtMs)[0];
  return newest !== undefined && newest.packs > 0 && newest.packs < mostPacks ? newest.place : undefined;
}

interface Place {
  readonly place: string;
  /** Of its packs, each shared equally among those that have it. */
  readonly bytes: number;
  readonly packs: number;
  readonly usedAtMs: number;
}

async function sizeOf(place: string): Promise<Place> {
  const packs = join(place, "objects", "pack");
  const names = await readdir(packs).catch(ignoreMissing);
  const found = await Promise.all((names ?? []).map((name) => stat(join(packs, name)).catch(ignoreMissing)));
  const used = await stat(place).catch(ignoreMissing);
  return {
    place,
    bytes: found.reduce((sum, file) => sum + (file === undefined ? 0 : file.size / file.nlink), 0),
    packs: (names ?? []).filter((name) => name.endsWith(".pack")).length,
    usedAtMs: used?.mtimeMs ?? 0,
  };
}

/** Moved away first: whoever takes it meanwhile finds all of it or nothing. */
async function drop(place: string, incoming: string): Promise<void> {
  const dropped = join(incoming, `drop-${randomBytes(8).toString("hex")}`);
  await rename(place, dropped).catch(ignoreMissing);
  await rm(dropped, { recursive: true, force: true });
}

/** Another process may have been faster, and made the same; what somebody damaged makes room. */
async function renameNew(incoming: string, place: string): Promise<void> {
  for (;;) {
    try {
      return await rename(incoming, place);
    } catch (error) {
      if (!isThereAlready(error)) throw error;
      if ((await stat(join(place, "base-tree")).catch(ignoreMissing)) !== undefined) return;
      await drop(place, dirname(incoming));
    }
  }
}

/** Removes what was not used for longest, until nine tenths of the limit are left. */
async function trim({ directory, incoming, limitBytes }: SourceCacheOptions): Promise<void> {
  const repositories = (await readdir(directory).catch(ignoreMissing)) ?? [];
  const places: Place[] = [];
  for (const repository of repositories) {
    const commits = (await readdir(join(directory, repository)).catch(ignoreMissing)) ?? [];
    for (const commit of commits) places.push(await sizeOf(join(directory, repository, commit)));
  }
  let total = places.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= limitBytes) return;
  for (const { place, bytes } of places.toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (total <= limitBytes * 0.9) return;
    total -= bytes;
    await drop(place, incoming);
  }
}

function repositoryKey({ repositoryNodeId, owner, name }: Source): string {
  return createHash("sha256")
    .update(JSON.stringify([repositoryNodeId, owner, name]))
    .digest("hex")
    .slice(0, 32);
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function isThereAlready(error: unknown): boolean {
  return ["EEXIST", "ENOTEMPTY"].includes(String(codeOf(error)));
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}
