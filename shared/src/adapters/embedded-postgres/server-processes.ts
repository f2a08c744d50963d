import { readdir, readFile, readlink, realpath, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EmbeddedPostgresUnavailable } from "./embedded-postgres-unavailable.ts";

const patienceMs = 20_000;
const pollMs = 20;

/** What Postgres writes to postmaster.pid; the lines are described in its source, src/include/utils/pidfile.h. */
export interface PostmasterFile {
  readonly pid: number;
  readonly ready: boolean;
}

export async function readPostmasterFile(dataDirectory: string): Promise<PostmasterFile | undefined> {
  const content = await readFile(path.join(dataDirectory, "postmaster.pid"), "utf8").catch(() => undefined);
  const lines = content?.split("\n") ?? [];
  const pid = Number.parseInt(lines[0] ?? "", 10);
  return Number.isNaN(pid) ? undefined : { pid, ready: lines[7]?.trim() === "ready" };
}

/**
 * Ends what an earlier process left running on a data directory, and the pid file that would keep a new server out.
 *
 * To be called with the directory's lock held: then every Postgres process that works in it is an orphan.
 *
 * @throws EmbeddedPostgresUnavailable naming the processes that do not end.
 */
export async function endOrphans(directory: string, log: (message: string) => void): Promise<void> {
  const dataDirectory = await realpath(directory).catch(() => directory); // as the kernel tells it of a process
  const postmaster = await readPostmasterFile(dataDirectory);
  let orphans = await processesIn(dataDirectory, postmaster?.pid);
  if (orphans.length > 0) {
    log(`stopping the Postgres that an earlier process left behind (${orphans.join(", ")})`);
    // SIGINT to the postmaster is its fast shutdown. Without one, what is left are backends that end by themselves.
    if (postmaster !== undefined && orphans.includes(postmaster.pid)) signal(postmaster.pid, "SIGINT");
    orphans = await waitForEnd(dataDirectory, postmaster?.pid);
    for (const pid of orphans) signal(pid, "SIGKILL");
    if (orphans.length > 0) orphans = await waitForEnd(dataDirectory, postmaster?.pid);
  }
  if (orphans.length > 0) {
    throw new EmbeddedPostgresUnavailable(
      `Processes ${orphans.join(", ")} still work in ${dataDirectory} and do not end. End them, then start again.`,
    );
  }
  // A pid that somebody else has by now (usual after a container's restart) would make Postgres refuse to start.
  // Otherwise the file stays: from it Postgres itself learns whether shared memory is still in use.
  if (postmaster !== undefined && isAlive(postmaster.pid))
    await rm(path.join(dataDirectory, "postmaster.pid"), { force: true });
}

async function waitForEnd(dataDirectory: string, postmasterPid: number | undefined): Promise<readonly number[]> {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
    if ((await processesIn(dataDirectory, postmasterPid)).length === 0) return [];
    await delay(pollMs); // they are not our children, so no event tells of their end
  }
  return processesIn(dataDirectory, postmasterPid);
}

/**
 * The pids of the Postgres processes whose working directory it is: the postmaster and all its children.
 *
 * Of another user's processes even root cannot see that in a container; there the pid file is believed.
 */
async function processesIn(dataDirectory: string, postmasterPid: number | undefined): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => isServing(pid, dataDirectory, postmasterPid)));
  return pids.filter((_pid, index) => found[index]);
}

async function isServing(pid: number, dataDirectory: string, postmasterPid: number | undefined): Promise<boolean> {
  try {
    if ((await readlink(`/proc/${pid}/cwd`)) !== dataDirectory) return false;
  } catch (error) {
    const isHidden = error instanceof Error && "code" in error && error.code === "EACCES";
    if (!isHidden || pid !== postmasterPid) return false;
  }
  const command = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
  return command.trim() === "postgres";
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
