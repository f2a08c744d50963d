import { mkdir, readdir, readFile } from "node:fs/promises";
import { programPath } from "../git/git-command.ts";
import { launch } from "./launcher/launch.ts";

/**
 * The namespaces of one execution: its processes, its network (which has nothing in it) and its volume, a tmpfs of a
 * fixed size that the host does not see. All of it hangs on one process, the first of its pid namespace: when that one
 * ends, the kernel ends every other and frees the volume. It ends when we say so, and when its standard input closes,
 * which happens however this process dies.
 */
export interface Enclosure {
  /** The volume's path, as programs inside see it. */
  readonly volume: string;
  /** The same directory, as this process reaches it. */
  readonly volumeFromHere: string;
  /** Put before a command, these words run it inside, with the volume and without a network. */
  readonly enter: readonly string[];
  /** As `enter`, but with the machine's network and without the volume: it still ends with the enclosure. */
  readonly enterWithNetwork: readonly string[];
  /**
   * Resolves when no process is left inside but the first. Bubblewrap answers a moment before the kernel has ended what a
   * step left behind, and whoever reads the workspace must be alone with it: a file could become a symlink between two
   * looks. @throws Error when something is still there after 10 seconds.
   */
  settle(): Promise<void>;
  /** Ends everything inside. Resolves when nothing is left; ending it twice changes nothing. */
  destroy(): Promise<void>;
}

export interface EnclosureOptions {
  /** An existing directory, where the volume is mounted (inside only). */
  readonly volume: string;
  readonly volumeBytes: number;
  readonly asRoot: boolean;
}

const settlingMs = 10_000;

/** So many files a volume may hold at least, and one more for so many bytes: empty files take memory too. */
const fewestFiles = 65_536;
const bytesPerFile = 4096;

/** @throws Error with what `unshare` or `mount` said when this machine does not allow it. */
export async function openEnclosure(options: EnclosureOptions): Promise<Enclosure> {
  await mkdir(options.volume, { recursive: true });
  const files = Math.max(fewestFiles, Math.ceil(options.volumeBytes / bytesPerFile));
  const mountOptions = `size=${options.volumeBytes},nr_inodes=${files},mode=0755,nosuid,nodev`;
  // At first /proc is the host's, so its first word is this process as the host numbers it.
  const script = `
mount -t tmpfs -o "$2" octobatch "$1"
read -r pid rest </proc/self/stat
mount -t proc proc /proc
echo "$pid"
exec cat >/dev/null`;
  let stdout = "";
  let stderr = "";
  const ready = Promise.withResolvers<string>();
  const launched = launch({
    argv: [
      "unshare",
      ...(options.asRoot ? [] : ["--user", "--map-root-user"]),
      "--mount",
      "--propagation",
      "private",
      "--pid",
      "--net",
      "--fork",
      "--kill-child",
      "--",
      "/bin/sh",
      "-euc",
      script,
      "sh",
      options.volume,
      mountOptions,
    ],
    environment: { PATH: programPath, LC_ALL: "C" },
    directory: "/",
    input: "open",
    onOutput(stream, chunk) {
      if (stream === "stderr") {
        stderr = (stderr + chunk.toString("utf8")).slice(-4096);
        return;
      }
      stdout += chunk.toString("latin1");
      if (stdout.includes("\n")) ready.resolve(stdout.trim());
    },
  });
  let hasEnded = false;
  const ended = launched.closed
    .finally(() => {
      hasEnded = true;
    })
    .then(() => ready.reject(new Error(stderr.trim() || "the namespaces ended before they were ready")), ready.reject);
  const pid = await ready.promise;
  const user = options.asRoot ? [] : ["--user", "--preserve-credentials"];
  return {
    volume: options.volume,
    volumeFromHere: `/proc/${pid}/root${options.volume}`,
    enter: ["nsenter", "--target", pid, ...user, "--mount", "--pid", "--net", "--"],
    enterWithNetwork: ["nsenter", "--target", pid, ...user, "--pid", "--"],
    async settle() {
      for (let waitedMs = 0; waitedMs < settlingMs; waitedMs += 2) {
        if (!(await othersLive(`/proc/${pid}/root/proc`))) return;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      throw new Error("processes of a step did not end");
    },
    async destroy() {
      // Ending the first process, for which `unshare` waits, ends all the others before it.
      if (!hasEnded) endProcess(Number(pid));
      await ended;
    },
  };
}

/** An enclosure that encloses nothing, for operators who said that they accept it: a directory and a process group. */
export async function openDirectory(options: Pick<EnclosureOptions, "volume">): Promise<Enclosure> {
  await mkdir(options.volume, { recursive: true });
  return {
    volume: options.volume,
    volumeFromHere: options.volume,
    enter: [],
    enterWithNetwork: [],
    settle: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  };
}

/** Whether any process but the first lives; what has ended and waits for its parent (state Z, X) does not. */
async function othersLive(proc: string): Promise<boolean> {
  const ids = (await readdir(proc)).filter((name) => /^\d+$/.test(name) && name !== "1");
  const stats = await Promise.all(ids.map((id) => readFile(`${proc}/${id}/stat`, "latin1").catch(() => "")));
  return stats.some((stat) => stat !== "" && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2)));
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
