import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { copyFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomBytes } from "node:crypto";
import { codeOf } from "../error-code.ts";
import type { KnownCommits } from "./fetch-request.ts";
import { createObjectStore, createTrustedRepository } from "./trusted-repository.ts";

/*
 * A commit that is kept is a directory of its name, in one of its repository: a bare repository, and the name of its tree.
 * These are a few tiny files on a local disk: what is done to them is done at once, since handing it to another thread and
 * waiting for that takes several times as long. Only what may take its time is waited for.
 */

/** After so many packs a commit is fetched anew, alone. */
const mostPacks = 20;

/** Where a fetch starts from: what a server can be told of, and whose it is. */
export interface StartingPoint extends KnownCommits {
  /** The kept commit; undefined when nothing is known. */
  readonly place: string | undefined;
}

/** Links what is kept of a commit into a new place for objects. @returns its tree, or undefined when it is not there (any more). */
export async function takeKept(place: string, gitDirectory: string): Promise<string | undefined> {
  const baseTree = baseTreeOf(place);
  if (baseTree === undefined) return undefined;
  try {
    createObjectStore(gitDirectory);
    await linkPacks(place, gitDirectory);
    const now = new Date();
    utimesSync(place, now, now);
    return baseTree;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    await rm(gitDirectory, { recursive: true, force: true });
    return undefined;
  }
}

/**
 * Lets a fetch start from the commit of a repository that was used last, if there is one that has not gathered too many
 * packs.
 */
export async function startFromKept(repository: string, gitDirectory: string): Promise<StartingPoint> {
  const place = newestIn(repository);
  try {
    if (place !== undefined) {
      await linkPacks(place, gitDirectory);
      const shallow = copyShallow(place, gitDirectory);
      return { commits: [...new Set([basename(place), ...shallow])], shallow, place };
    }
  } catch (error) {
    // It was cleared away meanwhile, so all of the new commit is fetched.
    if (codeOf(error) !== "ENOENT") throw error;
    await rm(gitDirectory, { recursive: true, force: true });
    createTrustedRepository(gitDirectory);
  }
  return { commits: [], shallow: [], place: undefined };
}

/** Puts a repository where commits are kept, unless another process was faster. @returns how many bytes that has added. */
export async function keep(made: string, baseTree: string, place: string): Promise<number> {
  writeFileSync(join(made, "base-tree"), baseTree);
  mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
  for (;;) {
    try {
      renameSync(made, place);
      return placeAt(place).bytes;
    } catch (error) {
      if (!["EEXIST", "ENOTEMPTY"].includes(String(codeOf(error)))) throw error;
      // Another process has made the same; what somebody damaged makes room.
      if (baseTreeOf(place) !== undefined) return 0;
      await dropKept(place, dirname(made));
    }
  }
}

/** Removes what was not used for longest, until nine tenths of the limit are left. */
export async function trimKept(options: {
  readonly directory: string;
  readonly incoming: string;
  readonly limitBytes: number;
}): Promise<void> {
  const { directory, incoming, limitBytes } = options;
  const places = namesIn(directory).flatMap((repository) => placesIn(join(directory, repository)));
  let total = places.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= limitBytes) return;
  for (const { place, bytes } of places.toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (total <= limitBytes * 0.9) return;
    total -= bytes;
    await dropKept(place, incoming);
  }
}

interface Place {
  readonly place: string;
  /** Of its packs, each shared equally among those that have it. */
  readonly bytes: number;
  readonly packs: number;
  readonly usedAtMs: number;
}

function newestIn(repository: string): string | undefined {
  const [newest] = placesIn(repository).toSorted((a, b) => b.usedAtMs - a.usedAtMs);
  return newest !== undefined && newest.packs > 0 && newest.packs < mostPacks ? newest.place : undefined;
}

function placesIn(repository: string): readonly Place[] {
  return namesIn(repository).map((commit) => placeAt(join(repository, commit)));
}

function placeAt(place: string): Place {
  const packs = join(place, "objects", "pack");
  const names = namesIn(packs);
  const found = names.flatMap((name) => ifThere(() => statSync(join(packs, name))) ?? []);
  return {
    place,
    bytes: found.reduce((sum, { size, nlink }) => sum + size / nlink, 0),
    packs: names.filter((name) => name.endsWith(".pack")).length,
    usedAtMs: ifThere(() => statSync(place))?.mtimeMs ?? 0,
  };
}

async function linkPacks(place: string, gitDirectory: string): Promise<void> {
  const from = join(place, "objects", "pack");
  const to = join(gitDirectory, "objects", "pack");
  for (const name of readdirSync(from)) {
    if (/\.(pack|idx|rev)$/.test(name)) await linkOrCopy(join(from, name), join(to, name));
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(String(codeOf(error)))) throw error;
    await copyFile(from, to);
  }
}

/** @returns the commits in it, none for one that has no parents. */
function copyShallow(place: string, gitDirectory: string): readonly string[] {
  const shallow = ifThere(() => readFileSync(join(place, "shallow"), "latin1"));
  if (shallow === undefined) return [];
  writeFileSync(join(gitDirectory, "shallow"), shallow);
  return shallow.trim().split("\n");
}

/** Removes a kept commit. It is moved away first: whoever takes it meanwhile finds all of it or nothing. */
export async function dropKept(place: string, incoming: string): Promise<void> {
  const dropped = join(incoming, `drop-${randomBytes(8).toString("hex")}`);
  await rename(place, dropped).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
  await rm(dropped, { recursive: true, force: true });
}

/** Undefined for a commit that is not there, or whose file was lost when the machine went down. */
function baseTreeOf(place: string): string | undefined {
  const baseTree = ifThere(() => readFileSync(join(place, "base-tree"), "latin1"));
  return baseTree !== undefined && /^[0-9a-f]{40}$/.test(baseTree) ? baseTree : undefined;
}

function namesIn(directory: string): readonly string[] {
  return ifThere(() => readdirSync(directory)) ?? [];
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return undefined;
  }
}
