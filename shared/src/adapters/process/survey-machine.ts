import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#shared/ports/clock.ts";
import type { GitAccessWish, RepositoryRef } from "#shared/ports/code-host.ts";
import { SandboxUnavailable } from "#shared/ports/sandbox.ts";
import type { WayToGit } from "../git/git-request.ts";
import type { RemoteAccess } from "../git/remote.ts";
import { createSourceCache, type Sources } from "../git/source-cache.ts";
import { createControlGroup, findControlGroups, removeStaleGroups } from "./control-groups.ts";
import { lookAtMachine, type Given } from "./given.ts";
import { readHostView } from "./host-view.ts";
import { claimInstanceDirectory, isStaleInstance, type InstanceDirectory } from "./instance-directory.ts";
import { detectIsolation, type IsolationKind } from "./isolation.ts";
import { removeAll } from "./remove-all.ts";
import { runCommand } from "./run-command.ts";
import { seccompProgram } from "./seccomp.ts";

/** What the operator says of this machine. */
export interface MachineOptions {
  readonly codeHost: { gitAccess(repository: RepositoryRef, wish?: GitAccessWish): Promise<RemoteAccess> };
  readonly clock: Clock;
  /** For work in progress. Removed piece by piece; several processes may share it. */
  readonly workDirectory: string;
  /** What the commits that are kept for later transforms may take on the disk; 0 by default: none is kept. */
  readonly sourceCacheBytes?: number | undefined;
  /** Set by the operator. By default what the machine has, and `none` never without being asked for. */
  readonly isolation?: IsolationKind;
  /** First in the PATH of steps, and visible to them. */
  readonly toolDirectories?: readonly string[];
  /** Visible to steps, for what the tools need. */
  readonly readOnlyDirectories?: readonly string[];
  /** How repositories are reached: proxies and certificates. Straight by default. */
  readonly wayToGit?: WayToGit;
}

/** What is found out once, at the first need. */
export interface Machine {
  readonly isolation: IsolationKind;
  readonly instance: InstanceDirectory;
  readonly hierarchies: Awaited<ReturnType<typeof findControlGroups>>;
  readonly seccompFile: string | undefined;
  readonly sources: Sources;
  /** What it gives to steps now; see {@link lookAtMachine}. */
  readonly given: () => Promise<Given>;
}

/** @throws SandboxUnavailable with what is missing and the remedy. */
export async function surveyMachine(options: MachineOptions): Promise<Machine> {
  const instance = await claimInstanceDirectory(options.workDirectory);
  try {
    const program = seccompProgram(process.arch);
    const seccompFile = program === undefined ? undefined : join(instance.path, "seccomp");
    if (program !== undefined && seccompFile !== undefined) await writeFile(seccompFile, program);
    const view = await readHostView({
      toolDirectories: options.toolDirectories ?? [],
      readOnlyDirectories: options.readOnlyDirectories ?? [],
      workDirectory: options.workDirectory,
    });
    const isolation = await isolationHere(options, instance, seccompFile);
    const hierarchies = isolation === "none" ? [] : await usableControlGroups(instance.name);
    await removeStaleGroups(hierarchies, isStaleInstance);
    const sources = createSourceCache({
      directory: join(options.workDirectory, "sources"),
      incoming: instance.path,
      limitBytes: options.sourceCacheBytes ?? 0,
      // The token stays in this process, which may have one for each of these repositories anyway.
      access: ({ repositoryId: id, repositoryNodeId: nodeId, owner, name }, refused) =>
        options.codeHost.gitAccess({ id, nodeId, owner, name }, { reach: "account", refused }),
      way: options.wayToGit,
      run: (command) => runCommand(command),
    });
    const { clock } = options;
    const given = lookAtMachine({ isolation, whole: view, directory: instance.path, clock });
    return { isolation, instance, hierarchies, seccompFile, sources, given };
  } catch (error) {
    await removeAll(instance.path);
    throw error;
  }
}

/** @throws SandboxUnavailable */
async function isolationHere(
  options: Pick<MachineOptions, "isolation">,
  instance: InstanceDirectory,
  seccompFile: string | undefined,
): Promise<IsolationKind> {
  if (options.isolation === "none") return "none";
  const found = await detectIsolation(instance.path, {
    ...(seccompFile === undefined ? {} : { seccompFile }),
    ...(options.isolation === undefined ? {} : { only: options.isolation }),
  });
  if (found.kind === "unavailable") throw new SandboxUnavailable(found.because);
  return found.kind;
}

/** Control groups that can really be made; without them memory is limited for each process alone. */
async function usableControlGroups(name: string): Promise<Awaited<ReturnType<typeof findControlGroups>>> {
  const hierarchies = await findControlGroups();
  const usable = await Promise.all(
    hierarchies.map(async (hierarchy) => {
      try {
        const group = await createControlGroup([hierarchy], `${name}-try`, { memoryBytes: 64 << 20, processes: 64 });
        await group.remove();
        return [hierarchy];
      } catch {
        return [];
      }
    }),
  );
  return usable.flat();
}
