import { dirname } from "node:path";
import type { HostView } from "./host-view.ts";
import { shellQuote as quote } from "./shell-quote.ts";
import { withoutPrivileges, type StepMounts, type StepUser } from "./step-mounts.ts";

const devices = ["null", "zero", "full", "random", "urandom", "tty"];

/**
 * Does with util-linux alone what bubblewrap does, but for the seccomp filter: new namespaces, a root made of read-only
 * binds, the old root gone, and no privileges left. The shell that does it is the first process of its pid namespace
 * and becomes the step, so whatever a step leaves behind ends with it. The step has a session of its own: what it signals
 * as its group is its own, and not the enclosure, whose user an ordinary user's steps are as well.
 */
export function unshareCommand(options: {
  readonly view: HostView;
  readonly mounts: StepMounts;
  /** An empty directory inside the enclosure that becomes the root. */
  readonly root: string;
  readonly user: StepUser;
  readonly command: readonly string[];
}): [string, ...string[]] {
  const { view, mounts, root, user } = options;
  const inRoot = (path: string): string => quote(root + path);
  const bind = (source: string, target: string, flags: string): string =>
    `place ${quote(source)} ${inRoot(target)}; mount --bind -o ${flags} ${quote(source)} ${inRoot(target)}`;
  const lines = [
    // A mount point is of the kind of what is mounted on it.
    `place() { if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; [ -e "$2" ] || : >"$2"; fi; }`,
    `mount -t tmpfs -o size=1m,mode=0755,nosuid,nodev root ${quote(root)}`,
    ...view.directories.map(({ source, target }) => bind(source, target, "ro,nosuid,nodev")),
    ...view.links.map(({ path, to }) => `mkdir -p ${inRoot(dirname(path))}; ln -s ${quote(to)} ${inRoot(path)}`),
    `mkdir -p ${inRoot("/proc")} ${inRoot("/dev")} ${inRoot("/run")} ${inRoot("/var")}`,
    `ln -s /tmp ${inRoot("/var/tmp")}`,
    `mount -t proc -o nosuid,nodev,noexec proc ${inRoot("/proc")}`,
    ...devices.map((name) => bind(`/dev/${name}`, `/dev/${name}`, "nosuid,noexec")),
    `ln -s /proc/self/fd ${inRoot("/dev/fd")}`,
    ...["stdin", "stdout", "stderr"].map((name, index) => `ln -s /proc/self/fd/${index} ${inRoot(`/dev/${name}`)}`),
    bind(mounts.sharedMemory, "/dev/shm", "nosuid,nodev"),
    bind(mounts.workspace, "/workspace", "nosuid,nodev"),
    bind(mounts.temporary, "/tmp", "nosuid,nodev"),
    ...view.tools.map(({ source, target }) => bind(source, target, "ro,nosuid,nodev")),
    ...view.hidden.map((path) => `mount -t tmpfs -o ro,size=4k hidden ${inRoot(path)}`),
    ...mounts.readOnly.map(({ source, target }) => bind(source, target, "ro,nosuid,nodev")),
    `mount -o remount,bind,ro,nosuid,nodev ${quote(root)}`,
    `cd ${quote(root)}`,
    `pivot_root . .`,
    `umount -l .`,
    `cd /workspace`,
    `hostname sandbox 2>/dev/null || true`,
    `exec setsid "$@"`,
  ];
  const becomeUser =
    user.kind === "own-id" ? [] : ["unshare", "--user", `--map-user=${user.id}`, `--map-group=${user.id}`, "--"];
  return [
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--ipc",
    "--uts",
    "--fork",
    "--kill-child",
    "--",
    "/bin/sh",
    "-euc",
    lines.join("\n"),
    "sh",
    ...becomeUser,
    ...withoutPrivileges(user),
    ...options.command,
  ];
}
