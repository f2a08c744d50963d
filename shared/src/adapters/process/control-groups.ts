import { access, constants, mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Limits for a step and all its processes together, as the kernel's control groups keep them. */
export interface ControlGroup {
  /** A process joins by writing its id to each of these. */
  readonly procsFiles: readonly string[];
  readonly limitsMemory: boolean;
  /** How often the kernel has ended a process in here for want of memory. */
  memoryKills(): Promise<number>;
  remove(): Promise<void>;
}

export interface ControlGroupLimits {
  readonly memoryBytes: number;
  readonly processes: number;
}

type Controller = "memory" | "pids";
interface Hierarchy {
  readonly version: 1 | 2;
  readonly directory: string;
  readonly controllers: readonly Controller[];
}

/**
 * Where this process may make control groups: version 1 below its own group, version 2 beside it (a version 2 group
 * with processes cannot have limited children). None where the machine does not let it: then memory is limited for each
 * process alone.
 */
export async function findControlGroups(): Promise<readonly Hierarchy[]> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const own = await readFile("/proc/self/cgroup", "utf8").catch(() => "");
  const groups = own.split("\n").flatMap((line) => {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ names: match[1].split(","), path: match[2] }];
  });
  const found: Hierarchy[] = [];
  for (const line of mounts.split("\n")) {
    // …id parent dev root mountpoint options… - type source superoptions: see proc(5).
    const [before = "", after = ""] = line.split(" - ");
    const mountPoint = before.split(" ")[4];
    const [type, , superOptions = ""] = after.split(" ");
    if (mountPoint === undefined || (type !== "cgroup" && type !== "cgroup2")) continue;
    const hierarchy =
      type === "cgroup2"
        ? await versionTwo(mountPoint, groups.find(({ names }) => names[0] === "")?.path)
        : await versionOne(mountPoint, superOptions.split(","), groups);
    if (hierarchy !== undefined) found.push(hierarchy);
  }
  return found;
}

/** @throws Error when a limit is refused. Making one that exists sets its limits anew. */
export async function createControlGroup(
  hierarchies: readonly Hierarchy[],
  name: string,
  limits: ControlGroupLimits,
): Promise<ControlGroup> {
  const groups = hierarchies.map((hierarchy) => ({ ...hierarchy, directory: join(hierarchy.directory, name) }));
  for (const { directory, version, controllers } of groups) {
    await mkdir(directory, { recursive: true });
    for (const controller of controllers) await setLimit(directory, version, controller, limits);
  }
  const memory = groups.find(({ controllers }) => controllers.includes("memory"));
  return {
    procsFiles: groups.map(({ directory }) => join(directory, "cgroup.procs")),
    limitsMemory: memory !== undefined,
    async memoryKills() {
      if (memory === undefined) return 0;
      const file = memory.version === 1 ? "memory.oom_control" : "memory.events";
      const text = await readFile(join(memory.directory, file), "utf8").catch(() => "");
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
    },
    async remove() {
      await Promise.all(groups.map(({ directory }) => removeGroup(directory)));
    },
  };
}

/** Removes the groups that another run of this program left; `isStale` judges by name. */
export async function removeStaleGroups(
  hierarchies: readonly Hierarchy[],
  isStale: (name: string) => Promise<boolean>,
): Promise<void> {
  for (const { directory } of hierarchies) {
    for (const name of await readdir(directory).catch(() => [])) {
      if (await isStale(name)) await removeGroup(join(directory, name));
    }
  }
}

async function setLimit(
  directory: string,
  version: 1 | 2,
  controller: Controller,
  limits: ControlGroupLimits,
): Promise<void> {
  const set = (file: string, value: number): Promise<void> => writeFile(join(directory, file), String(value));
  if (controller === "pids") {
    await set("pids.max", limits.processes);
  } else if (version === 2) {
    await set("memory.max", limits.memoryBytes);
    // Not there on a kernel without swap.
    await set("memory.swap.max", 0).catch(() => undefined);
  } else {
    // Memory and swap together may never be below memory: lower one first or raise the other first.
    await set("memory.limit_in_bytes", limits.memoryBytes).catch(() => undefined);
    await set("memory.memsw.limit_in_bytes", limits.memoryBytes).catch(() => undefined);
    await set("memory.limit_in_bytes", limits.memoryBytes);
  }
}

async function versionOne(
  mountPoint: string,
  options: readonly string[],
  groups: readonly { readonly names: readonly string[]; readonly path: string }[],
): Promise<Hierarchy | undefined> {
  const controllers = (["memory", "pids"] as const).filter((name) => options.includes(name));
  const [first] = controllers;
  const path = groups.find(({ names }) => first !== undefined && names.includes(first))?.path;
  if (path === undefined) return undefined;
  // In a container the path is often the host's, and the mount shows our own group as its top.
  for (const directory of [join(mountPoint, path), mountPoint]) {
    if (await isWritable(directory)) return { version: 1, directory, controllers };
  }
  return undefined;
}

async function versionTwo(mountPoint: string, path: string | undefined): Promise<Hierarchy | undefined> {
  if (path === undefined) return undefined;
  const directory = dirname(join(mountPoint, path));
  if (!directory.startsWith(mountPoint) || !(await isWritable(directory))) return undefined;
  // Moving a process needs the right to write here too, in the group above both.
  if (!(await isWritable(join(directory, "cgroup.procs")))) return undefined;
  const enabled = (await readFile(join(directory, "cgroup.subtree_control"), "utf8").catch(() => "")).trim().split(" ");
  const controllers = (["memory", "pids"] as const).filter((name) => enabled.includes(name));
  return controllers.length === 0 ? undefined : { version: 2, directory, controllers };
}

async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** The kernel takes a moment to let go of a group whose processes have just ended. */
async function removeGroup(directory: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EBUSY")) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
