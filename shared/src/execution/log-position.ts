/** A place in what an execution prints: who has followed so far can go on from here. */
export interface LogPosition {
  readonly executionId: string;
  readonly attempt: number;
  /** The index of the step that comes next, or that was begun. */
  readonly step: number;
  /** How much of the step was told; absent before its beginning was. */
  readonly log?: {
    /** In bytes. */
    readonly offset: number;
    /** Of the bytes before it, so that the log of another go at the step is not taken for the same one. */
    readonly digest: string;
  };
}

const form =
  /^(?<executionId>[\w-]{1,100})\.(?<attempt>\d{1,9})\.(?<step>\d{1,9})(?:\.(?<offset>\d{1,15})\.(?<digest>[0-9a-f]{16}))?$/u;

/** A position as one word of letters, digits, `-`, `_` and `.`. */
export function encodePosition({ executionId, attempt, step, log }: LogPosition): string {
  return [executionId, attempt, step, ...(log === undefined ? [] : [log.offset, log.digest])].join(".");
}

/** The position, or undefined when the text is none. */
export function parsePosition(text: string): LogPosition | undefined {
  const { executionId, attempt, step, offset, digest } = form.exec(text)?.groups ?? {};
  if (executionId === undefined || Number(attempt) < 1) return undefined;
  const log = offset === undefined || digest === undefined ? {} : { log: { offset: Number(offset), digest } };
  return { executionId, attempt: Number(attempt), step: Number(step), ...log };
}
