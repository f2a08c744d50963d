import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { V1Container } from "@kubernetes/client-node";
import { programPath } from "#shared/adapters/git/git-command.ts";
import type { HostView } from "#shared/adapters/process/host-view.ts";
import { isRoot } from "#shared/adapters/process/isolation.ts";
import { withoutPrivileges } from "#shared/adapters/process/step-mounts.ts";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * The command line that runs a container as its spec says, by bubblewrap: with its mounts and no others, as its user,
 * without capabilities, on a read-only root. In the place of an image stand this machine's programs, and for our own image
 * this checkout with its node. Only our own containers have a network, as a NetworkPolicy and the missing tokens have it
 * on a cluster.
 */
export function containerCommand(options: {
  readonly container: V1Container;
  readonly view: HostView;
  readonly mounts: readonly Mount[];
  readonly user: number;
  readonly isOurs: boolean;
  /** Where our own programs keep what V8 has compiled, from one container to the next. */
  readonly compileCache: string;
}): string[] {
  const { container, view, user, isOurs } = options;
  const cache = { source: options.compileCache, target: options.compileCache, readOnly: false };
  const image = isOurs ? [...ourImage(), cache] : [];
  const binds = [...view.directories.map(readOnly), ...view.tools.map(readOnly), ...image];
  const identity = isRoot()
    ? ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    : ["--unshare-user", "--uid", String(user), "--gid", String(user), "--cap-drop", "ALL"];
  return [
    "bwrap",
    "--die-with-parent",
    "--new-session",
    "--as-pid-1",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--hostname",
    "pod",
    ...(isOurs ? [] : ["--unshare-net"]),
    ...identity,
    ...parents(binds.map(({ target }) => target)).flatMap((path) => ["--perms", "0755", "--dir", path]),
    ...binds.flatMap(bind),
    ...view.links.flatMap(({ path, to }) => ["--symlink", to, path]),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--perms",
    "0755",
    "--dir",
    "/var",
    "--perms",
    "0755",
    "--dir",
    "/run",
    ...parents(options.mounts.map(({ target }) => target)).flatMap((path) => ["--perms", "0755", "--dir", path]),
    ...options.mounts.flatMap(bind),
    "--remount-ro",
    "/dev",
    "--remount-ro",
    "/",
    "--chdir",
    isOurs ? root : (container.workingDir ?? "/"),
    "--",
    ...withoutPrivileges({ kind: isRoot() ? "own-id" : "mapped", id: user }),
    ...(container.command ?? []),
    ...(container.args ?? []),
  ];
}

/** What an image says about the environment. */
export function imageEnvironment(isOurs: boolean, compileCache: string): Record<string, string> {
  if (!isOurs) return { PATH: programPath };
  return { PATH: `${dirname(process.execPath)}:${programPath}`, NODE_COMPILE_CACHE: compileCache };
}

function ourImage(): Mount[] {
  const places = [root, realpathSync(join(root, "node_modules")), dirname(process.execPath)];
  return [...new Set(places)].map((path) => ({ source: path, target: path, readOnly: true }));
}

function readOnly(place: { readonly source: string; readonly target: string }): Mount {
  return { ...place, readOnly: true };
}

function bind({ source, target, readOnly: isReadOnly }: Mount): string[] {
  return [isReadOnly ? "--ro-bind" : "--bind", source, target];
}

/** Made by hand, from the top down: those that bubblewrap makes itself are closed to other users. */
function parents(targets: readonly string[]): string[] {
  const found = new Set<string>();
  for (const target of targets) {
    for (let parent = dirname(target); parent !== "/"; parent = dirname(parent)) {
      if (!targets.some((mounted) => parent === mounted || parent.startsWith(`${mounted}/`))) found.add(parent);
    }
  }
  return [...found].filter((path) => path !== "/dev" && path !== "/run" && path !== "/var").sort();
}
