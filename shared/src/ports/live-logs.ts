/** How much of a step's log is kept while its transform runs; all of it is in the finished log. */
export const liveStepBytes = 4 << 20;

/** One go at an execution, as the execution counts them. */
export interface LiveAttempt {
  readonly executionId: string;
  readonly attempt: number;
}

/** How a step ended. */
export interface LiveStepEnd {
  /** `cached`: it was not run, since what it comes to was known. */
  readonly status: "ran" | "cached" | "skipped" | "failed" | "timed-out";
  readonly exitCode?: number;
  readonly durationMs: number;
  /** The finished log in the blob store: needed when more was printed than is kept here, or was not told here. */
  readonly logKey?: string;
}

/** A piece of a step's log, redacted already. An empty one says that the step has begun. */
export interface LiveChunk {
  /** The step's index, from 0. */
  readonly step: number;
  /** Where the piece begins in the step's log, in bytes. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** The step's log ends with this piece. A step that was skipped has an empty one that ends it. */
  readonly end?: LiveStepEnd;
}

/** A place in the logs of an attempt: all before it has been read. */
export interface LiveCursor {
  readonly step: number;
  readonly offset: number;
}

export interface LivePage {
  /** Without a gap from the cursor that was given; the chunks of a step follow only once the one before it has ended. */
  readonly chunks: readonly LiveChunk[];
  /** Where to read on. */
  readonly cursor: LiveCursor;
  /**
   * - `cut`: the step at the cursor has printed more than is kept here; the rest is in its finished log.
   * - `anew`: what was read up to the cursor given is there no more, since the attempt was begun anew.
   */
  readonly state: "growing" | "cut" | "anew";
}

/**
 * What the steps of transforms that run have printed so far, for those who follow. It is lost without harm: when the
 * transform ends, its finished logs in the blob store have all of it, and this is forgotten.
 */
export interface LiveLogs {
  /**
   * Adds to the logs of an attempt. Bytes that are there already, by their offset, stay: doing it twice is safe. Of each
   * step {@link liveStepBytes} are kept, and its end only when all of it is, or it has a `logKey`. Nothing is kept for an attempt that has ended or was replaced.
   */
  append(attempt: LiveAttempt, chunks: readonly LiveChunk[]): Promise<void>;

  /** What comes after the cursor, as far as it is there; at most about 1 MiB at once. */
  read(attempt: LiveAttempt, after: LiveCursor): Promise<LivePage>;

  /** Removes what is kept of an attempt; forgetting it twice is safe. */
  forget(attempt: LiveAttempt): Promise<void>;

  /** Forgets every attempt that has ended or was replaced. Answers how many chunks went. */
  sweep(): Promise<number>;
}
