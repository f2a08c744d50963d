import type { LiveStepEnd } from "#shared/ports/live-logs.ts";
import type { ExecutionState } from "./execution.ts";
import type { LogPosition } from "./log-position.ts";
import { ToldLog } from "./told-log.ts";

/** What is told to somebody who follows an execution. */
export type LogEvent =
  /** An attempt begins. What was told of another one, or of an earlier go at this one, is over. */
  | { readonly event: "begin"; readonly attempt: number; readonly because?: string }
  | { readonly event: "step-started"; readonly step: number }
  /** Some bytes of a step's log; each follows where the one before ended. */
  | { readonly event: "log"; readonly step: number; readonly offset: number; readonly bytes: Uint8Array }
  /** The step prints more than is kept while it runs: the rest follows when it has ended. */
  | { readonly event: "held"; readonly step: number }
  | ({ readonly event: "step-finished"; readonly step: number } & Omit<LiveStepEnd, "logKey">)
  /** The last one. `whole` is false when logs are missing: it was cancelled, or they have expired. */
  | { readonly event: "end"; readonly status: EndStatus; readonly because?: string; readonly whole: boolean };

export type EndStatus = Exclude<ExecutionState["status"], "pending" | "running">;

/** Something that was told, and where to go on after it. */
export interface Told {
  readonly news: LogEvent;
  readonly position: LogPosition;
}

/** No piece of a log that is told is larger. */
const pieceBytes = 48 << 10;

/** Puts into events what is told, and keeps in mind how far that is. */
export class LogTeller {
  readonly #executionId: string;
  /** The step that is told first, and again when an attempt begins. */
  readonly #firstStep: number;
  /** None until the execution was looked at. */
  #attempt: number | undefined;
  #step: number;
  /** Of the step that was begun. */
  #log: ToldLog | undefined;
  #isHeld = false;

  constructor(from: Pick<LogPosition, "executionId"> & Partial<LogPosition>, firstStep: number) {
    this.#executionId = from.executionId;
    this.#firstStep = firstStep;
    this.#attempt = from.attempt;
    this.#step = from.step ?? firstStep;
    this.#log = from.log === undefined ? undefined : new ToldLog(from.log);
  }

  get attempt(): number | undefined {
    return this.#attempt;
  }

  /** The index of the step that is told, or that comes next. */
  get step(): number {
    return this.#step;
  }

  /** What was told of the step. */
  get log(): ToldLog {
    return this.#log ?? new ToldLog();
  }

  begin(attempt: number, because?: string): Told {
    this.#attempt = attempt;
    this.#goTo(this.#firstStep);
    return this.#told({ event: "begin", attempt, ...(because === undefined ? {} : { because }) });
  }

  /** Tells bytes of the step, and before the first ones that it has begun. */
  *print(bytes: Uint8Array): Generator<Told> {
    const step = this.#step;
    if (this.#log === undefined) {
      this.#log = new ToldLog();
      yield this.#told({ event: "step-started", step });
    }
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      const { offset } = this.#log;
      this.#log.tell(piece);
      yield this.#told({ event: "log", step, offset, bytes: piece });
    }
  }

  /** Says once that the rest of the step comes later. */
  *hold(): Generator<Told> {
    if (this.#isHeld) return;
    this.#isHeld = true;
    yield this.#told({ event: "held", step: this.#step });
  }

  finishStep({ status, exitCode, durationMs }: LiveStepEnd): Told {
    const step = this.#step;
    this.#goTo(step + 1);
    const code = exitCode === undefined ? {} : { exitCode };
    return this.#told({ event: "step-finished", step, status, durationMs, ...code });
  }

  end(status: EndStatus, whole: boolean, because: string | undefined): Told {
    return this.#told({ event: "end", status, whole, ...(because === undefined ? {} : { because }) });
  }

  #goTo(step: number): void {
    this.#step = step;
    this.#log = undefined;
    this.#isHeld = false;
  }

  #told(news: LogEvent): Told {
    const log = this.#log === undefined ? {} : { log: this.#log.position };
    const position = { executionId: this.#executionId, attempt: this.#attempt ?? 1, step: this.#step, ...log };
    return { news, position };
  }
}
