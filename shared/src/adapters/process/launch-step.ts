import { chownSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { programPath } from "../git/git-command.ts";
import { makeDirectory } from "../git/make-directory.ts";
import { bubblewrapCommand } from "./bubblewrap.ts";
import type { ControlGroup } from "./control-groups.ts";
import type { Enclosure } from "./enclosure.ts";
import type { HostView } from "./host-view.ts";
import type { Launch, Launched } from "./launcher/launch.ts";
import { shellQuote } from "./shell-quote.ts";
import type { StepFile } from "#shared/transform/step-files.ts";
import { processLimits, type StepMounts, type StepUser } from "./step-mounts.ts";
import { unshareCommand } from "./unshare.ts";

/** Where steps run: what isolates them, as whom, and with what in sight. */
export interface StepPlace {
  readonly isolation: "bubblewrap" | "unshare" | "none";
  readonly enclosure: Enclosure;
  readonly view: HostView;
  readonly user: StepUser;
  readonly controlGroup: ControlGroup | undefined;
  /** A file with the seccomp program; only bubblewrap can load it, and only for processors we have one for. */
  readonly seccompFile: string | undefined;
  /** The objects of the base commit, shown to the steps' own `.git`. */
  readonly objectsDirectory: string | undefined;
  /** Below the root of the repository, where steps run; empty: the root. */
  readonly directory: string;
}

export interface StepLaunch {
  readonly index: number;
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly StepFile[];
  readonly limits: { readonly processes: number; readonly memoryBytes: number; readonly diskBytes: number };
}

/** Where a step finds what we brought; everything in it is read-only. */
const ownDirectory = "/run/octobatch";
export const objectsInside = `${ownDirectory}/objects`;

/** Starts a step. @throws Error when its files cannot be placed, as on a volume that is full. */
export function launchStep(place: StepPlace, step: StepLaunch, onOutput: Launch["onOutput"]): Launched {
  const directory = prepare(place, step);
  if (place.isolation === "none") {
    const argv = ["/bin/sh", join(directory, "launch", "start")] as const;
    return place.enclosure.enter({ argv, environment: ownEnvironment, directory: place.enclosure.volume, onOutput });
  }
  const mounts: StepMounts = {
    workspace: join(place.enclosure.volume, "workspace"),
    temporary: join(directory, "tmp"),
    sharedMemory: join(directory, "shm"),
    readOnly: [
      { source: join(directory, "launch"), target: ownDirectory },
      ...(place.objectsDirectory === undefined ? [] : [{ source: place.objectsDirectory, target: objectsInside }]),
      ...step.files.flatMap(({ path, belowTmp }, index) =>
        belowTmp ? [] : [{ source: join(directory, "files", String(index)), target: path }],
      ),
    ],
  };
  const command = ["/bin/sh", `${ownDirectory}/start`];
  const seccomp = place.isolation === "bubblewrap" ? place.seccompFile : undefined;
  const isolated =
    place.isolation === "bubblewrap"
      ? bubblewrapCommand({
          ...place,
          mounts,
          command,
          seccompDescriptor: seccomp === undefined ? undefined : 3,
        })
      : unshareCommand({ ...place, mounts, command, root: join(directory, "root") });
  return place.enclosure.enter({
    argv: isolated,
    environment: ownEnvironment,
    directory: "/",
    files: seccomp === undefined ? [] : [seccomp],
    limited: true,
    onOutput,
  });
}

/** Nothing a spec says is in the environment of our own launchers; `start` sets it, inside. */
const ownEnvironment = { PATH: programPath, LC_ALL: "C" };

/**
 * Makes the step's directories on the volume, fresh, so that no earlier step could have put anything in their way. All is
 * the step's own: what it must not change is mounted read-only. It is in memory, where a call that does not wait is many
 * times cheaper than one that does.
 */
function prepare(place: StepPlace, step: StepLaunch): string {
  const directory = stepDirectory(place.enclosure.volume, step.index);
  const here = stepDirectory(place.enclosure.volumeFromHere, step.index);
  const { user } = place;
  const own = (path: string): void => {
    if (user.kind === "own-id") chownSync(path, user.id, user.id);
  };
  const makeOwnDirectory = (path: string): void => {
    if (makeDirectory(path)) own(path);
  };
  const makeFile = (path: string, content: string): void => {
    writeFileSync(path, content);
    own(path);
  };
  makeDirectory(dirname(here));
  for (const name of ["", "tmp", "shm", "files", "root", "launch", "launch/objects"])
    makeOwnDirectory(join(here, name));
  const launch: Record<string, string> = {
    start: startScript(place, step, directory),
    script: step.script,
  };
  for (const [name, content] of Object.entries(launch)) makeFile(join(here, "launch", name), content);
  for (const [index, file] of step.files.entries()) {
    if (file.belowTmp) {
      let parent = here;
      for (const name of dirname(file.path).slice(1).split("/")) makeOwnDirectory((parent = join(parent, name)));
      makeFile(join(here, file.path), file.content);
    } else {
      makeFile(join(here, "files", String(index)), file.content);
    }
  }
  return directory;
}

export function stepDirectory(volume: string, index: number): string {
  return join(volume, "steps", String(index));
}

/** Makes its own shell what a step runs in. The script has another one, whose messages name the script and its lines alone. */
function startScript(place: StepPlace, step: StepLaunch, directory: string): string {
  const isolated = place.isolation !== "none";
  const home = isolated ? "/tmp" : join(directory, "tmp");
  const root = isolated ? "/workspace" : join(place.enclosure.volume, "workspace");
  // The shell itself says so where an earlier step, or the commit, has no such directory.
  const workspace = join(root, place.directory);
  const variables = { PATH: place.view.path, HOME: home, TMPDIR: home, LANG: "C.UTF-8", ...step.environment };
  const { processes, diskBytes: fileBytes, memoryBytes } = step.limits;
  const dataBytes = place.controlGroup?.limitsMemory === true ? undefined : memoryBytes;
  return [
    ...(isolated ? processLimits({ processes, fileBytes, dataBytes }) : []),
    "unset LC_ALL",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    `cd ${shellQuote(workspace)} || exit 1`,
    `exec /bin/sh ${shellQuote(isolated ? `${ownDirectory}/script` : join(directory, "launch", "script"))}`,
    "",
  ].join("\n");
}
