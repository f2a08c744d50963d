/** What is laid over the host's view for one step. Sources are paths inside the enclosure. */
export interface StepMounts {
  readonly workspace: string;
  /** /tmp: fresh for every step, on the same volume as the workspace, so that one size limits both. */
  readonly temporary: string;
  /** /dev/shm, on that volume too. */
  readonly sharedMemory: string;
  /** Files and directories a step may only read, in this order. */
  readonly readOnly: readonly { readonly source: string; readonly target: string }[];
}

/** Whom a step runs as: a real user id that nobody else has, or this user under another number. */
export type StepUser =
  { readonly kind: "own-id"; readonly id: number } | { readonly kind: "mapped"; readonly id: number };

/** Gives up the last of root; nothing for a mapped user, who never had it. */
export function withoutPrivileges(user: StepUser): string[] {
  const drop = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"];
  return user.kind === "own-id"
    ? ["setpriv", "--reuid", String(user.id), "--regid", String(user.id), "--clear-groups", ...drop]
    : ["setpriv", ...drop];
}

/** The limits every process of a step has, as commands for its shell; memory only where no cgroup limits it. */
export function processLimits(limits: {
  readonly processes: number;
  readonly fileBytes: number;
  readonly dataBytes: number | undefined;
}): string[] {
  const { processes, fileBytes, dataBytes } = limits;
  return [
    // Shells differ in the letter: dash has -p, bash and busybox have -u.
    `ulimit -u ${processes} 2>/dev/null || ulimit -p ${processes} || exit 125`,
    `ulimit -f ${Math.ceil(fileBytes / 512)} || exit 125`,
    "ulimit -n 4096 || exit 125",
    "ulimit -c 0 || exit 125",
    ...(dataBytes === undefined ? [] : [`ulimit -d ${Math.ceil(dataBytes / 1024)} || exit 125`]),
  ];
}
