import { closeSync, readdirSync, readFileSync } from "node:fs";

/** Set by Node and libuv on all that they open themselves: it is not handed on to programs. */
const closedOnExec = 0o2000000;

/**
 * Closes what whoever started this process left open in it, but for the standard streams: a step would have it, too. A shell,
 * `make` or a CI runner may leave anything. Where there is no /proc, nobody isolates steps either.
 */
export function closeInherited(): void {
  for (const name of descriptors()) {
    const descriptor = Number(name);
    if (descriptor <= 2 || (flagsOf(name) & closedOnExec) !== 0) continue;
    closeSync(descriptor);
  }
}

function descriptors(): readonly string[] {
  try {
    return readdirSync("/proc/self/fd");
  } catch {
    return [];
  }
}

/** See proc_pid_fdinfo(5). One that is gone, such as that of the directory just read, has no flags to look at. */
function flagsOf(descriptor: string): number {
  try {
    const [, flags = ""] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1")) ?? [];
    return Number.parseInt(flags, 8);
  } catch {
    return closedOnExec;
  }
}
