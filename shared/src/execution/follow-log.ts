import { BlobNotFound, type BlobStore } from "#shared/ports/blob-store.ts";
import type { LiveAttempt, LiveLogs, LiveStepEnd } from "#shared/ports/live-logs.ts";
import type { Execution } from "./execution.ts";
import type { ExecutionStore } from "./execution-store.ts";
import type { LogPosition } from "./log-position.ts";
import { LogTeller, type EndStatus, type Told } from "./log-teller.ts";
import { resultKey } from "./plan-collect.ts";
import { AnotherLog } from "./told-log.ts";
import { parseTransformResult, type TransformResult } from "./transform-result.ts";

export interface FollowParts {
  readonly executions: Pick<ExecutionStore, "get">;
  readonly liveLogs: Pick<LiveLogs, "read">;
  readonly blobs: Pick<BlobStore, "get" | "open">;
  /** Tells of the step with this index alone. */
  readonly only?: number | undefined;
  /** Resolves when it is time to look for news; to false when there is no need any more. */
  readonly pause: () => Promise<boolean>;
}

const startedAgain = "It was started again.";

/**
 * Tells what the steps of an execution print, as it comes: every byte of each step once and in order, whenever one begins to
 * listen or goes on. While it runs that is read from the live logs; what these do not have is read from the finished ones.
 *
 * @param from Where to go on; the id of the execution alone begins with its present attempt.
 */
export function followLog(
  parts: FollowParts,
  from: LogPosition | Pick<LogPosition, "executionId">,
): AsyncGenerator<Told, void> {
  return new LogFollower(parts, from).run();
}

class LogFollower {
  readonly #parts: FollowParts;
  readonly #executionId: string;
  readonly #teller: LogTeller;

  constructor(parts: FollowParts, from: LogPosition | Pick<LogPosition, "executionId">) {
    this.#parts = parts;
    this.#executionId = from.executionId;
    this.#teller = new LogTeller(from, parts.only ?? 0);
  }

  async *run(): AsyncGenerator<Told, void> {
    do {
      const execution = await this.#parts.executions.get(this.#executionId);
      const { attempt, state } = execution;
      if (attempt !== this.#teller.attempt) yield* this.#turnTo(execution);
      if (state.status !== "pending" && state.status !== "running") {
        yield* this.#finish(execution, state.status);
        return;
      }
      yield* this.#live(attempt);
    } while (await this.#parts.pause());
  }

  /** To the present attempt; one that was followed before is told to its end first. */
  async *#turnTo(execution: Execution): AsyncGenerator<Told> {
    const { attempt } = this.#teller;
    let because: string | undefined;
    if (attempt !== undefined) {
      const result = await this.#resultOf({ ...execution, attempt });
      if (result !== undefined) yield* this.#finished(attempt, result);
      because = result?.outcome.status === "failed" ? result.outcome.failure.message : "It was asked for again.";
    }
    yield this.#teller.begin(execution.attempt, because);
  }

  /**
   * Tells what the live logs have by now. After a step whose finished log is another one it waits for the next look: while
   * the live logs stay as they are, telling them once more comes to the same end.
   */
  async *#live(attempt: number): AsyncGenerator<Told> {
    const { liveLogs, only } = this.#parts;
    if (!this.#teller.log.isKnown && !(yield* this.#meetAgain(attempt))) return;
    while (!this.#isOver(this.#teller.step)) {
      const { step, log } = this.#teller;
      const { chunks, state } = await liveLogs.read(this.#of(attempt), { step, offset: log.offset });
      // Of the steps before the only one nothing was told.
      const isFirst = only === step && log.offset === 0;
      if (state === "anew" && !isFirst) {
        yield this.#teller.begin(attempt, startedAgain);
        continue;
      }
      for (const { step, bytes, end } of chunks) {
        if (this.#isOver(step)) return;
        yield* this.#teller.print(bytes);
        if (end !== undefined && (yield* this.#finishStep(attempt, end)) === "another") return;
      }
      if (state === "cut") yield* this.#teller.hold();
      if (!chunks.some(({ bytes, end }) => bytes.length > 0 || end !== undefined)) return;
    }
  }

  /**
   * Compares what was told of the step, as somebody says who goes on, with the live log.
   * @returns Whether it can be gone on: not while there is nothing to compare with.
   */
  async *#meetAgain(attempt: number): AsyncGenerator<Told, boolean> {
    const { step, log } = this.#teller;
    try {
      const { state } = await this.#parts.liveLogs.read(this.#of(attempt), { step, offset: log.offset });
      if (state === "anew") throw new AnotherLog();
      const pieces = await this.#beginningOf(attempt, step, log.offset);
      if (pieces === undefined) return false;
      await Array.fromAsync(log.restOf(pieces));
    } catch (error) {
      if (!(error instanceof AnotherLog)) throw error;
      yield this.#teller.begin(attempt, startedAgain);
    }
    return true;
  }

  /** The first so many bytes of a step's live log; undefined while there are fewer. */
  async #beginningOf(attempt: number, step: number, length: number): Promise<readonly Uint8Array[] | undefined> {
    const pieces: Uint8Array[] = [];
    for (let offset = 0; offset < length;) {
      const { chunks } = await this.#parts.liveLogs.read(this.#of(attempt), { step, offset });
      const read = chunks.filter((chunk) => chunk.step === step && chunk.bytes.length > 0);
      if (read.length === 0) return undefined;
      for (const { bytes } of read) {
        pieces.push(bytes.subarray(0, length - offset));
        offset += bytes.length;
      }
    }
    return pieces;
  }

  /** Tells what is left of an execution that has ended. */
  async *#finish(execution: Execution, status: EndStatus): AsyncGenerator<Told> {
    const { state, attempt } = execution;
    const result = await this.#resultOf(execution);
    // One that was cancelled leaves no result, but its last words for a while.
    if (result === undefined) yield* this.#live(attempt);
    const whole = result !== undefined && (yield* this.#finished(attempt, result));
    yield this.#teller.end(status, whole, "because" in state ? state.because : undefined);
  }

  /** Tells the rest of an attempt that has ended. @returns Whether all of it was there. */
  async *#finished(attempt: number, result: TransformResult): AsyncGenerator<Told, boolean> {
    let whole = true;
    for (let step = result.steps[this.#teller.step]; step !== undefined; step = result.steps[this.#teller.step]) {
      const { status, exitCode, durationMs, logKey } = step;
      if (status === "not-reached" || this.#isOver(step.index)) break;
      const found = yield* this.#finishStep(attempt, {
        status,
        durationMs,
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(logKey === undefined ? {} : { logKey }),
      });
      if (found === "lost") whole = false;
    }
    return whole;
  }

  /** Tells the rest of a step from its finished log, if it has one, and its end; or begins anew when that is another log. */
  async *#finishStep(attempt: number, end: LiveStepEnd): AsyncGenerator<Told, "told" | "another" | "lost"> {
    const { logKey } = end;
    let found: "told" | "lost" = "told";
    try {
      if (logKey !== undefined) {
        const { body } = await this.#parts.blobs.open(logKey);
        for await (const bytes of this.#teller.log.restOf(body)) yield* this.#teller.print(bytes);
      }
    } catch (error) {
      if (error instanceof AnotherLog) {
        yield this.#teller.begin(attempt, startedAgain);
        return "another";
      }
      if (!(error instanceof BlobNotFound)) throw error;
      found = "lost";
    }
    yield* this.#teller.print(new Uint8Array());
    yield this.#teller.finishStep(end);
    return found;
  }

  /** @returns Undefined when there is none: it was cancelled, or it has expired. */
  async #resultOf(execution: Execution): Promise<TransformResult | undefined> {
    try {
      return parseTransformResult(await this.#parts.blobs.get(resultKey(execution)));
    } catch (error) {
      if (error instanceof BlobNotFound) return undefined;
      throw error;
    }
  }

  #isOver(step: number): boolean {
    return this.#parts.only !== undefined && step > this.#parts.only;
  }

  #of(attempt: number): LiveAttempt {
    return { executionId: this.#executionId, attempt };
  }
}
