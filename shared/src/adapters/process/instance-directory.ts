import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { removeAll } from "./remove-all.ts";

/** The directory of this process below the work directory, and its name, which no other process has had since boot. */
export interface InstanceDirectory {
  readonly name: string;
  readonly path: string;
}

const instanceName = /^octobatch-(\d+)-(\d+)/;

/** Makes the directory, and removes those of processes that are gone, with whatever a crash left in them. */
export async function claimInstanceDirectory(workDirectory: string): Promise<InstanceDirectory> {
  await mkdir(workDirectory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(workDirectory)) {
    if (!(await isStaleInstance(name))) continue;
    // What another user left stays; it is in nobody's way.
    await removeAll(join(workDirectory, name)).catch(() => undefined);
  }
  const started = await startedAtTicks(process.pid);
  for (let attempt = 0; ; attempt += 1) {
    const name = `octobatch-${process.pid}-${started}-${attempt}`;
    const path = join(workDirectory, name);
    try {
      await mkdir(path, { mode: 0o700 });
      return { name, path };
    } catch (error) {
      // Another sandbox in this same process.
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
  }
}

/** Whether a directory or control group was made by a process that is gone; false for what we did not make. */
export async function isStaleInstance(name: string): Promise<boolean> {
  const [, pid, started] = instanceName.exec(name) ?? [];
  if (pid === undefined) return false;
  return (await startedAtTicks(Number(pid))) !== started;
}

/** Field 22 of `/proc/<pid>/stat` (proc(5)): with the pid it names a process for good, until the next boot. */
async function startedAtTicks(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // The second field is the program's name in brackets, which may contain anything.
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}
