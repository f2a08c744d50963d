import { readdirSync, readFileSync } from "node:fs";

/** Ends a process that we started and all below it, whatever user they have and whoever they would outlive. */
export function endProcessTree(pid: number | undefined): void {
  // Lower ones are not processes but groups, or everybody.
  if (pid === undefined || pid <= 1) throw new RangeError(`There is no process ${pid} of ours.`);
  // Parents first, as the kernel does it with a pid namespace: no shell lives to tell how its child ended.
  for (const each of descendants(pid)) endProcess(each);
}

/** A process and all below it, the nearest first. */
function descendants(pid: number): readonly number[] {
  const parents = readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      return [[Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])] as const];
    } catch {
      return [];
    }
  });
  const found = [pid];
  for (const parent of found) found.push(...parents.filter(([, of]) => of === parent).map(([child]) => child));
  return found;
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
