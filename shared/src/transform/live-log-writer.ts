import {
  liveStepBytes,
  type LiveAttempt,
  type LiveChunk,
  type LiveLogs,
  type LiveStepEnd,
} from "#shared/ports/live-logs.ts";

/** Hears how the steps of a transform go. What it hears is redacted. */
export interface StepWatch {
  began(step: number): void;
  /** Some more of a step's log, beyond what is kept of it as well. */
  printed(step: number, bytes: Uint8Array): void;
  /** @param log All of it; a step that was skipped has none. */
  ended(step: number, end: LiveStepEnd, log: Uint8Array): void;
}

/** An attempt is written so often at most, and not at all before it has lasted so long. */
const writeEveryMs = 1000;

/** What is left of a log when its step ends is written when it is so small; else readers find it in the blob store. */
const smallRestBytes = 64 << 10;

/** What waits to be written of one step. */
interface Waiting {
  /** How much of the log was taken so far, in bytes. */
  taken: number;
  parts: Uint8Array[];
}

/**
 * Passes on what the steps of an attempt print, in batches. A write that fails is tried again with the next one, and
 * never troubles the steps. What ends within a second is not written at all.
 *
 * @param options.logBytes How much is kept of a step's log.
 * @param options.failed Told of the first write that failed.
 */
export function createLiveLogWriter(options: {
  readonly liveLogs: Pick<LiveLogs, "append">;
  readonly attempt: LiveAttempt;
  readonly logBytes: number;
  readonly failed: (error: unknown) => void;
}): StepWatch & { close(): void } {
  const { liveLogs, attempt, failed } = options;
  const mostBytes = Math.min(liveStepBytes + 1, options.logBytes);
  const steps = new Map<number, Waiting>();
  let queue: readonly LiveChunk[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isWriting = false;
  let hasFailed = false;
  let isClosed = false;

  function stepOf(step: number): Waiting {
    const waiting = steps.get(step) ?? { taken: 0, parts: [] };
    steps.set(step, waiting);
    return waiting;
  }

  /** Puts what a step has printed into the queue. */
  function enqueue(step: number, waiting: Waiting, end?: LiveStepEnd): void {
    const bytes = Buffer.concat(waiting.parts.splice(0));
    const ended = end === undefined ? {} : { end };
    queue = [...queue, { step, offset: waiting.taken - bytes.length, bytes, ...ended }];
  }

  function schedule(): void {
    if (isClosed || isWriting || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      void write();
    }, writeEveryMs);
  }

  async function write(): Promise<void> {
    for (const [step, waiting] of steps) if (waiting.parts.length > 0) enqueue(step, waiting);
    const batch = queue;
    queue = [];
    isWriting = true;
    try {
      if (batch.length > 0) await liveLogs.append(attempt, batch);
    } catch (error) {
      queue = [...batch, ...queue];
      if (!hasFailed) failed(error);
      hasFailed = true;
    } finally {
      isWriting = false;
    }
    if (queue.length > 0 || [...steps.values()].some(({ parts }) => parts.length > 0)) schedule();
  }

  return {
    began(step) {
      enqueue(step, stepOf(step));
      schedule();
    },
    printed(step, bytes) {
      const waiting = stepOf(step);
      const taken = Uint8Array.from(bytes.subarray(0, Math.max(0, mostBytes - waiting.taken)));
      if (taken.length === 0) return;
      waiting.parts.push(taken);
      waiting.taken += taken.length;
      schedule();
    },
    ended(step, { logKey, ...end }, log) {
      const waiting = stepOf(step);
      const unwritten = waiting.parts.splice(0).reduce((sum, { length }) => sum + length, 0);
      const rest = log.subarray(waiting.taken - unwritten);
      waiting.taken -= unwritten;
      if (logKey === undefined || (rest.length <= smallRestBytes && log.length <= liveStepBytes)) {
        waiting.parts.push(rest);
        waiting.taken += rest.length;
        enqueue(step, waiting, end);
      } else {
        enqueue(step, waiting, { ...end, logKey });
      }
      steps.delete(step);
      schedule();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
