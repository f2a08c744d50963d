import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#shared/ports/clock.ts";
import type { GitAccessWish, RepositoryRef } from "#shared/ports/code-host.ts";
import { SandboxUnavailable } from "#shared/ports/sandbox.ts";
import type { WayToGit } from "../git/git-request.ts";
import type { RemoteAccess } from "../git/remote.ts";
import { createSourceCache, type Sources } from "../git/source-cache.ts";
import { createControlGroup, findControlGroups, removeStaleGroups } from "./control-groups.ts";
import { gatherSettings } from "./gather-settings.ts";
import { readHostView, type HostView } from "./host-view.ts";
import { claimInstanceDirectory, isStaleInstance, type InstanceDirectory } from "./instance-directory.ts";
import { detectIsolation, type IsolationKind } from "./isolation.ts";
import { nameOfPrograms } from "./programs.ts";
import { removeAll } from "./remove-all.ts";
import type { StepUser } from "./step-mounts.ts";
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
  /** What it gives to steps now. */
  readonly given: () => Promise<Given>;
}

/** What a machine gives to steps, until something of it changes. */
export interface Given {
  readonly viewFor: (user: StepUser) => Promise<HostView>;
  /** Names it, see `nameOfPrograms`. */
  readonly programs: string;
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
    const given = rememberFor(rememberedMs, options.clock, lookAgain(isolation, view, instance.path));
    return { isolation, instance, hierarchies, seccompFile, sources, given };
  } catch (error) {
    await removeAll(instance.path);
    throw error;
  }
}

/** How long it takes until somebody notices that a program or a setting of this machine was replaced. */
const rememberedMs = 60_000;

/** Finds what steps are given, and copies its settings anew when anything has changed; what was copied before may be in use. */
function lookAgain(isolation: IsolationKind, whole: HostView, directory: string): () => Promise<Given> {
  let given: Given | undefined;
  let copies = 0;
  return async () => {
    const programs = await nameOfPrograms(isolation, whole);
    if (given?.programs !== programs) {
      const viewFor = rememberEach(async (user) =>
        isolation === "none" ? whole : gatherSettings(whole, user, join(directory, `etc-${(copies += 1)}`)),
      );
      given = { viewFor, programs };
    }
    return given;
  };
}

function rememberEach(find: (user: StepUser) => Promise<HostView>): (user: StepUser) => Promise<HostView> {
  const found = new Map<number, Promise<HostView>>();
  return (user) => {
    const known = found.get(user.id) ?? find(user);
    found.set(user.id, known);
    known.catch(() => found.delete(user.id));
    return known;
  };
}

function rememberFor<T>(ms: number, clock: Clock, find: () => Promise<T>): () => Promise<T> {
  let found: { readonly value: Promise<T>; readonly until: number } | undefined;
  return () => {
    const now = clock.now().getTime();
    if (found === undefined || now >= found.until) {
      const value = find();
      found = { value, until: now + ms };
      value.catch(() => (found = undefined));
    }
    return found.value;
  };
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
