import { join } from "node:path";

/** Where the containers of a Job's pod find things, and what they are called. */
export const containerNames = {
  /** Ours: fetches the base commit, and makes what the steps and `conduct` talk through. */
  checkout: "checkout",
  /** Ours, beside the steps: tells each when it is its turn, reads what it prints, keeps its time, hands in what came out. */
  conduct: "conduct",
  /** Ours and last: stands for the whole, and ends when all is handed in. */
  end: "end",
} as const;

export function stepContainerName(index: number): string {
  return `step-${index}`;
}

/** What the Secret of a Job has. */
export const secretKeys = { job: "job.json.gz", source: "source-token", upload: "upload-token" } as const;

/** Paths in our own containers. */
export const ours = {
  /** The transform job, as compressed JSON. */
  job: "/octobatch/job/job.json.gz",
  /** A token in a file, each in a directory of its own. */
  tokens: { source: "/octobatch/source-token", upload: "/octobatch/upload-token" },
  tokenFile: "token",
  /** The secrets that the steps name: one file each, by their name in the spec. */
  secrets: "/octobatch/secrets",
  /** What the steps write to: their workspace and their /tmp and /dev/shm. */
  work: "/octobatch/work",
  /** What steps cannot reach, but for the parts that are shown to them read-only. */
  private: "/octobatch/private",
} as const;

/** Paths in a step's container: the same as in the process sandbox. */
export const stepPaths = {
  workspace: "/workspace",
  temporary: "/tmp",
  sharedMemory: "/dev/shm",
  /** What we bring, read-only. */
  own: "/run/octobatch",
  /** The objects of the base commit, for the steps' own `.git`; inside of `own`. */
  objects: "/run/octobatch/objects",
} as const;

/** Below the volumes `work` and `private`, for the mounts of single containers. */
export const subPaths = {
  workspace: "workspace",
  temporary: (index: number) => `steps/${index}/tmp`,
  sharedMemory: (index: number) => `steps/${index}/shm`,
  /** The files by which a step and `conduct` talk; `end` has one as well, with the index after the last step. */
  control: (index: number) => `control/${index}`,
  /** A file that the spec places outside of /tmp. */
  file: (index: number, file: number) => `control/${index}/files/${file}`,
  gitDirectory: "git",
  objects: "git/objects",
} as const;

export function inWork(subPath: string): string {
  return join(ours.work, subPath);
}

export function inPrivate(subPath: string): string {
  return join(ours.private, subPath);
}

/** Named pipes in a control directory. */
export const pipes = {
  /** To the step: it is your turn (`run`), or not (`skip`). */
  go: "go",
  /** To the step: its time is over (`over`), or from its own shell: the script has ended (`exited CODE`). */
  end: "end",
  /** From the step: it is there (`here`), and then how it ended. */
  told: "told",
  stdout: "stdout",
  stderr: "stderr",
} as const;

/** Written by `conduct` just before a step's turn. */
export const launchFiles = { start: "start", script: "script" } as const;
