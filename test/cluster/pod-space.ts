import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { programPath } from "#shared/adapters/git/git-command.ts";
import { isRoot } from "#shared/adapters/process/isolation.ts";

/** The namespaces of one pod, with its emptyDir volumes: what the kubelet and the container runtime make on a node. */
export interface PodSpace {
  /** Put before a command, these words run it with the volumes in sight. */
  readonly enter: readonly [string, ...string[]];
  /** Where a volume is, as programs inside see it. */
  volume(name: string): string;
  /** Ends every process of the pod and frees its volumes. Ending it twice changes nothing. */
  destroy(): Promise<void>;
}

/** @param volumes emptyDir volumes: name → size in bytes, which cannot be exceeded. */
export async function openPodSpace(directory: string, volumes: ReadonlyMap<string, number>): Promise<PodSpace> {
  const place = (name: string): string => join(directory, "volumes", name);
  for (const name of volumes.keys()) await mkdir(place(name), { recursive: true });
  // At first /proc is the host's, so its first word is this process as the host numbers it.
  const script = `
while [ $# -gt 0 ]; do mount -t tmpfs -o "size=$2,mode=0777,nosuid,nodev" volume "$1"; shift 2; done
read -r pid rest </proc/self/stat
mount -t proc proc /proc
echo "$pid"
exec cat >/dev/null`;
  const asUser = isRoot() ? [] : ["--user", "--map-root-user"];
  const child = spawn(
    "unshare",
    [
      ...asUser,
      "--mount",
      "--propagation",
      "private",
      "--pid",
      "--fork",
      "--kill-child",
      "--",
      "/bin/sh",
      "-euc",
      script,
      "sh",

      ...[...volumes].flatMap(([name, sizeBytes]) => [place(name), String(sizeBytes)]),
    ],
    { env: { PATH: programPath, LC_ALL: "C" }, stdio: ["pipe", "pipe", "ignore"], cwd: "/" },
  );
  // Its death is only ever learnt through its exit.
  child.stdin.on("error", () => undefined);
  const gone = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true) throw new Error("The namespaces of a pod could not be made.");
  const intoUser = isRoot() ? [] : ["--user", "--preserve-credentials"];
  return {
    enter: ["nsenter", "--target", first.value, ...intoUser, "--mount", "--pid", "--"],
    volume: place,
    async destroy() {
      if (child.exitCode === null && child.signalCode === null) {
        try {
          process.kill(Number(first.value), "SIGKILL");
        } catch {
          // It has ended already.
        }
      }
      await gone;
    },
  };
}
