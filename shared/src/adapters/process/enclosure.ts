import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../error-code.ts";
import { programPath } from "../git/git-command.ts";
import {
  createEnclosureShell,
  shellLoop,
  startLimitedShell,
  type EnclosedLaunch,
  type EnclosureShell,
} from "./enclosure-shell.ts";
import { launch, type Launched } from "./launcher/launch.ts";

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
  /** A directory of our own, for what steps do not see: it is as large as the volume, and frees what is in it as quickly. */
  readonly own: string;
  readonly ownFromHere: string;
  /**
   * As {@link launch}, but inside, with the volume and without a network; one at a time. To kill it is to end the enclosure.
   * It has an exit code also when a signal ended it: 128 and the signal's number.
   */
  readonly enter: (command: EnclosedLaunch) => Launched;
  /**
   * Resolves when no process that began a session of its own is left inside, as all that run anything of a step's do, or when
   * the enclosure has ended. Bubblewrap answers a moment before the kernel has ended what a step left behind, and whoever reads
   * the workspace must be alone with it: a file could become a symlink between two looks. @throws Error when something is still
   * there after 10 seconds.
   */
  settle(): Promise<void>;
  /** Ends everything inside. Resolves when nothing is left; ending it twice changes nothing. */
  destroy(): Promise<void>;
}

export interface EnclosureOptions {
  /** An existing directory, closed to others. All is mounted in it, inside only: to the machine it stays as good as empty. */
  readonly directory: string;
  readonly volumeBytes: number;
  readonly asRoot: boolean;
  /** The `cgroup.procs` files of control groups, which what is limited belongs to. */
  readonly controlGroups?: readonly string[];
}

const settlingMs = 10_000;

/** How long `unshare` may take to see that its first process has ended. */
const endingMs = 2000;

/** So many files a volume may hold at least, and one more for so many bytes: empty files take memory too. */
const fewestFiles = 65_536;
const bytesPerFile = 4096;

/** @throws Error with what `unshare` or `mount` said when this machine does not allow it. */
export async function openEnclosure(options: EnclosureOptions): Promise<Enclosure> {
  const { directory, volumeBytes, asRoot } = options;
  const own = join(directory, "own");
  const volume = join(own, "volume");
  const fstab = join(directory, "fstab");
  mkdirSync(own);
  const files = Math.max(fewestFiles, Math.ceil(volumeBytes / bytesPerFile));
  const volumeOptions = `size=${volumeBytes},nr_inodes=${files},mode=0755,nosuid,nodev`;
  const mounts = [
    ["octobatch", own, "tmpfs", volumeOptions],
    ["octobatch", volume, "tmpfs", `${volumeOptions},X-mount.mkdir`],
    ["octobatch", "/proc", "proc", "nosuid,nodev,noexec"],
  ];
  writeFileSync(fstab, mounts.map(fstabLine).join(""));
  // At first /proc is the host's, so its first word is this process as the host numbers it.
  const script = `
commands=$1
fstab=$2
shift 2
read -r pid rest </proc/self/stat
mount -a -T "$fstab"
mkfifo -m 622 "$commands/stdout" "$commands/stderr" "$commands/limited"
${options.controlGroups === undefined ? "" : startLimitedShell}
echo "$pid"
${shellLoop}`;
  let stdout = "";
  let stderr = "";
  let shell: EnclosureShell | undefined;
  const early: string[] = [];
  const ready = Promise.withResolvers<string>();
  const launched = launch({
    argv: [
      "unshare",
      ...(asRoot ? [] : ["--user", "--map-root-user"]),
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
      own,
      fstab,
      ...(options.controlGroups ?? []),
    ],
    environment: { PATH: programPath, LC_ALL: "C" },
    directory: "/",
    input: "open",
    onOutput(stream, chunk) {
      if (stream === "stderr") {
        stderr = (stderr + chunk.toString("utf8")).slice(-4096);
        return;
      }
      const lines = (stdout + chunk.toString("latin1")).split("\n");
      stdout = lines.pop() ?? "";
      for (const line of lines) {
        if (shell !== undefined) shell.hear(line);
        else if (/^\d+$/.test(line)) ready.resolve(line);
        else early.push(line);
      }
    },
  });
  let hasEnded = false;
  let lastResort: NodeJS.Timeout | undefined;
  const ended = launched.closed
    .finally(() => {
      hasEnded = true;
      clearTimeout(lastResort);
    })
    .then(() => ready.reject(new Error(stderr.trim() || "the namespaces ended before they were ready")), ready.reject);
  const pid = await ready.promise;
  const end = (): void => {
    if (hasEnded) return;
    // Ending the first process, for which `unshare` waits, ends all the others before it.
    endProcess(Number(pid));
    // Unless somebody has stopped `unshare`. Killed earlier, it would seem to be over before the others are.
    lastResort ??= setTimeout(() => launched.kill(), endingMs);
  };
  const hasLimited = options.controlGroups !== undefined;
  const ownFromHere = `/proc/${pid}/root${own}`;
  const inside = (shell = createEnclosureShell({ shell: launched, commands: ownFromHere, hasLimited, kill: end }));
  for (const line of early) inside.hear(line);
  void ended.then(() => inside.end());
  return {
    volume,
    volumeFromHere: `/proc/${pid}/root${volume}`,
    own,
    ownFromHere,
    enter: (command) => inside.start(command),
    async settle() {
      if (hasEnded) return;
      for (let waitedMs = 0; waitedMs < settlingMs; waitedMs += 2) {
        if (!sessionsLive(`/proc/${pid}/root/proc`)) return;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      throw new Error("processes of a step did not end");
    },
    async destroy() {
      inside.kill();
      await ended;
    },
  };
}

/** An enclosure that encloses nothing, for operators who said that they accept it: a directory and a process group. */
export function openDirectory({ directory }: Pick<EnclosureOptions, "directory">): Enclosure {
  const volume = join(directory, "volume");
  const own = join(directory, "own");
  for (const path of [volume, own]) mkdirSync(path);
  return {
    volume,
    volumeFromHere: volume,
    own,
    ownFromHere: own,
    enter: launch,
    settle: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  };
}

/**
 * Whether any process lives whose session began in there; the others are of the session of the first, which began outside
 * and so has no number. What has ended and waits for its parent (state Z, X) does not live. See proc(5).
 */
function sessionsLive(proc: string): boolean {
  const ids = namesIn(proc).filter((name) => /^\d+$/.test(name));
  return ids.some((id) => {
    const stat = statOf(`${proc}/${id}`);
    const [state = "Z", , , session = "0"] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return session !== "0" && state !== "Z" && state !== "X";
  });
}

/** Without its first process nothing is left of an enclosure, and so of its /proc. */
function namesIn(proc: string): string[] {
  try {
    return readdirSync(proc);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ESRCH") return [];
    throw error;
  }
}

function statOf(directory: string): string {
  try {
    return readFileSync(`${directory}/stat`, "latin1");
  } catch {
    // It has ended.
    return "";
  }
}

/** Characters that end a word there are written in octal, see fstab(5). */
function fstabLine(words: readonly string[]): string {
  const escaped = words.map((word) =>
    word.replaceAll(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`),
  );
  return `${escaped.join(" ")} 0 0\n`;
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
