import { dirname } from "node:path";
import type { HostView } from "./host-view.ts";
import { withoutPrivileges, type StepMounts, type StepUser } from "./step-mounts.ts";

/**
 * The command line that runs a step under bubblewrap, inside an enclosure. As root it starts without a user namespace
 * and gives up root for a real user id of its own, since the kernel ignores a limit of processes for root, whatever
 * name it has inside; otherwise a user namespace makes it a plain user.
 */
export function bubblewrapCommand(options: {
  readonly view: HostView;
  readonly mounts: StepMounts;
  readonly user: StepUser;
  /** The number of the file descriptor that the seccomp program is read from. */
  readonly seccompDescriptor: number | undefined;
  readonly command: readonly string[];
}): [string, ...string[]] {
  const { view, mounts, user } = options;
  const identity =
    user.kind === "own-id"
      ? ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
      : ["--unshare-user", "--uid", String(user.id), "--gid", String(user.id), "--cap-drop", "ALL"];
  return [
    "bwrap",
    "--die-with-parent",
    "--new-session",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--hostname",
    "sandbox",
    ...identity,
    ...bindReadOnly(view.directories),
    ...view.links.flatMap(({ path, to }) => ["--symlink", to, path]),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--bind",
    mounts.sharedMemory,
    "/dev/shm",
    "--remount-ro",
    "/dev",
    "--bind",
    mounts.workspace,
    "/workspace",
    "--bind",
    mounts.temporary,
    "/tmp",
    "--perms",
    "0755",
    "--dir",
    "/var",
    "--symlink",
    "/tmp",
    "/var/tmp",
    ...bindReadOnly(view.tools),
    ...view.hidden.flatMap((path) => ["--tmpfs", path, "--remount-ro", path]),
    ...bindReadOnly(mounts.readOnly),
    "--remount-ro",
    "/",
    "--chdir",
    "/workspace",
    ...(options.seccompDescriptor === undefined ? [] : ["--seccomp", String(options.seccompDescriptor)]),
    "--",
    ...withoutPrivileges(user),
    ...options.command,
  ];
}

function bindReadOnly(binds: readonly { readonly source: string; readonly target: string }[]): string[] {
  return [
    ...parentDirectories(binds.map(({ target }) => target)).flatMap((path) => ["--perms", "0755", "--dir", path]),
    ...binds.flatMap(({ source, target }) => ["--ro-bind", source, target]),
  ];
}

/** Made by hand, from the top down: those that bubblewrap makes itself are closed to the step's user. */
function parentDirectories(targets: readonly string[]): string[] {
  const parents = new Set<string>();
  for (const target of targets) {
    for (let parent = dirname(target); parent !== "/"; parent = dirname(parent)) {
      if (!targets.some((shown) => parent === shown || parent.startsWith(`${shown}/`))) parents.add(parent);
    }
  }
  return [...parents].sort();
}
