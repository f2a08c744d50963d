import { createHash, randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { unlessAborted } from "#shared/unless-aborted.ts";
import { fingerprintOf } from "#shared/tokens/fingerprint.ts";
import { fetchBase, UnusablePack } from "./fetch-base.ts";
import type { KnownCommits } from "./fetch-request.ts";
import { gitEnvironment, GitFailed, type RunCommand } from "./git-command.ts";
import type { WayToGit } from "./git-request.ts";
import { dropKept, keep, startFromKept, takeKept, trimKept } from "./kept-commits.ts";
import type { RemoteAccess } from "./remote.ts";
import { createTrustedRepository } from "./trusted-repository.ts";

type Source = TransformJob["source"];

/** Brings the objects of base commits to where they are worked on. */
export interface Sources {
  /**
   * Brings every object of the source's base commit to `gitDirectory`, which must not exist: to `objects` in there. It may have
   * nothing else of a repository, see {@link createTrustedRepository}.
   *
   * @returns the commit's tree. @throws GitFailed when the commit cannot be fetched; `signal.reason` when it is given up.
   */
  bring(source: Source, gitDirectory: string, signal: AbortSignal): Promise<{ readonly baseTree: string }>;
  /**
   * Looks whether what was brought is damaged. Then what is kept of the commit is dropped, and all of it is fetched when it is
   * wanted again. It reads everything, so it is for when git could not use it.
   */
  dropIfDamaged(source: Source, gitDirectory: string): Promise<boolean>;
}

interface SourceCacheOptions {
  /** Kept from one process to the next; several processes may share it. On the same disk as what is worked on. */
  readonly directory: string;
  /** For fetches under way, on the same disk. What a crash leaves there somebody else clears away. */
  readonly incoming: string;
  /** What is kept in all, as far as it is not in use; 0 keeps nothing. */
  readonly limitBytes: number;
  /** @param refused The fingerprint of a token that was not accepted. */
  readonly access: (source: Source, refused?: string) => Promise<RemoteAccess>;
  /** How git servers are reached; straight by default. */
  readonly way: WayToGit | undefined;
  /** Runs git, in a process group that ends with this process. */
  readonly run: RunCommand;
}

/** A fetch that several may wait for. */
interface Fetching {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  waiting: number;
}

const fetchTimeoutMs = 600_000;

/**
 * Keeps the commits that were fetched, a directory each, made elsewhere and renamed into place: so it is there whole or not
 * at all, however many fetch it at once. Nobody works in it: its packs are linked to where they are needed, so one that is
 * cleared away meanwhile stays whole for whoever has it. A later commit of the same repository starts from the packs of the
 * newest one that is there, and only what is missing is sent; one that turns out to be damaged, then or in use, is dropped. A fetch that
 * nobody waits for any more is given up.
 */
export function createSourceCache(options: SourceCacheOptions): Sources {
  const fetching = new Map<string, Fetching>();
  let addedBytes = 0;

  async function fetchInto(source: Source, into: Into): Promise<string> {
    const { commit } = source;
    const fetchWith = (access: RemoteAccess): Promise<string> =>
      fetchBase({ ...into, access, commit, timeoutMs: fetchTimeoutMs, way: options.way, run: options.run });
    const access = await options.access(source);
    try {
      return await fetchWith(access);
    } catch (error) {
      if (access.token === undefined || !(error instanceof GitFailed) || error.status !== 401) throw error;
      // It was revoked. Nothing was sent, so another is tried at once.
      return fetchWith(await options.access(source, fingerprintOf(access.token)));
    }
  }

  /** What was kept may be damaged. Only when it is put to use this shows, and then all of the commit is fetched. */
  async function fetchFromKept(source: Source, repository: string, into: Into): Promise<string> {
    const { gitDirectory } = into;
    createTrustedRepository(gitDirectory);
    const known = await startFromKept(repository, gitDirectory);
    try {
      return await fetchInto(source, { ...into, known });
    } catch (error) {
      if (known.place === undefined || !(error instanceof UnusablePack)) throw error;
      await dropKept(known.place, options.incoming);
    }
    await rm(gitDirectory, { recursive: true, force: true });
    createTrustedRepository(gitDirectory);
    return fetchInto(source, into);
  }

  async function add(source: Source, place: string, signal: AbortSignal): Promise<void> {
    const gitDirectory = join(options.incoming, `fetch-${randomBytes(8).toString("hex")}`);
    try {
      const baseTree = await fetchFromKept(source, join(place, ".."), { gitDirectory, signal });
      const bytes = await keep(gitDirectory, baseTree, place);
      addedBytes += bytes;
    } finally {
      await rm(gitDirectory, { recursive: true, force: true });
    }
    if (addedBytes < options.limitBytes / 10) return;
    addedBytes = 0;
    await trimKept(options);
  }

  function begin(source: Source, place: string): Fetching {
    const abort = new AbortController();
    const done = add(source, place, abort.signal);
    const begun = { done, abort, waiting: 0 };
    const end = (): void => {
      if (fetching.get(place) === begun) fetching.delete(place);
    };
    abort.signal.addEventListener("abort", end);
    done.then(end, end);
    fetching.set(place, begun);
    return begun;
  }

  async function addOnce(source: Source, place: string, signal: AbortSignal): Promise<void> {
    const shared = fetching.get(place) ?? begin(source, place);
    shared.waiting += 1;
    try {
      await unlessAborted(signal, shared.done);
    } finally {
      shared.waiting -= 1;
      if (shared.waiting === 0) shared.abort.abort(new Error("Nobody waits for this commit any more."));
    }
  }

  const placeOf = (source: Source): string => join(options.directory, repositoryKey(source), source.commit);

  return {
    async bring(source, gitDirectory, signal) {
      signal.throwIfAborted();
      if (options.limitBytes > 0) {
        const place = placeOf(source);
        const kept = await takeKept(place, gitDirectory);
        if (kept !== undefined) return { baseTree: kept };
        await addOnce(source, place, signal);
        const fetched = await takeKept(place, gitDirectory);
        if (fetched !== undefined) return { baseTree: fetched };
        // It was cleared away at once: the limit is smaller than what is needed at the same time.
      }
      createTrustedRepository(gitDirectory);
      return { baseTree: await unlessAborted(signal, fetchInto(source, { gitDirectory, signal })) };
    },
    async dropIfDamaged(source, gitDirectory) {
      if (await areWhole(join(gitDirectory, "objects", "pack"), options.run)) return false;
      await dropKept(placeOf(source), options.incoming);
      return true;
    },
  };
}

const checkTimeoutMs = 600_000;

async function areWhole(packs: string, run: RunCommand): Promise<boolean> {
  const indexes = (await readdir(packs)).filter((name) => name.endsWith(".idx")).map((name) => join(packs, name));
  const { exitCode, timedOut } = await run({
    argv: ["git", "verify-pack", "--", ...indexes],
    environment: gitEnvironment({ repository: { gitDirectory: "/nonexistent", workTree: "/nonexistent" } }),
    timeoutMs: checkTimeoutMs,
    maxOutputBytes: 1 << 20,
  });
  return exitCode === 0 || timedOut;
}

interface Into {
  readonly gitDirectory: string;
  readonly known?: KnownCommits;
  readonly signal: AbortSignal;
}

function repositoryKey({ repositoryNodeId, owner, name }: Source): string {
  return createHash("sha256")
    .update(JSON.stringify([repositoryNodeId, owner, name]))
    .digest("hex")
    .slice(0, 32);
}
