import type { NewTask, Task } from "./task.ts";

/** How many tasks of a type may be in flight at once, per organization. */
export type ReleaseLimits = Readonly<Record<string, number>>;

/** A task that was begun: finishing and failing it count only while nobody has begun it again. */
export interface BegunTask extends Task {
  readonly state: "running";
}

/**
 * The due-table and outbox. Add tasks in the transaction that writes the state from which they follow.
 */
export interface TaskStore {
  /** Stores tasks; one with a dedupe key that exists already changes nothing, whatever became of it. */
  addAll(tasks: readonly NewTask[], at: Date): Promise<void>;

  /** Undefined when there is no such task; any text may be asked for. */
  find(id: string): Promise<Task | undefined>;

  /**
   * Takes tasks that are due, up to the limit of their type and organization, for announcing them. Tasks of campaigns
   * that are not active stay, save those that only read. No two callers get the same one.
   */
  claimDue(limits: ReleaseLimits, at: Date, leaseMs: number): Promise<readonly Task[]>;

  /** The broker has them; they are due again if nobody begins them within the lease. */
  sent(ids: readonly string[], at: Date, leaseMs: number): Promise<void>;

  /** The broker did not take them: due again at `notBefore`, as by {@link retry}. */
  notSent(ids: readonly string[], notBefore: Date, because: string): Promise<void>;

  /**
   * Begins a task, for this caller alone until the lease ends. Undefined when there is nothing to do: it is final, or
   * not due yet, or somebody is at it.
   */
  begin(id: string, at: Date, leaseMs: number): Promise<BegunTask | undefined>;

  finish(task: BegunTask, at: Date): Promise<void>;

  /**
   * Its function waits for something that runs elsewhere; it is announced again when the lease ends, before all others. It
   * keeps its place among those in flight: when looking at it fails too, or gets lost.
   */
  awaitOutcome(task: BegunTask, because: string, at: Date, leaseMs: number): Promise<void>;

  /** Due again at `notBefore`: it waits for its turn, and nothing has gone wrong. */
  postpone(task: BegunTask, notBefore: Date, because: string, at: Date): Promise<void>;

  /** Its attempt failed; due again at `notBefore`, or looked at again then if it had waited for its outcome before. */
  retry(task: BegunTask, notBefore: Date, because: string, at: Date): Promise<void>;

  /** Its attempt failed and the broker will deliver it again; the lease decides if the broker does not. */
  failed(task: BegunTask, because: string, at: Date, leaseMs: number): Promise<void>;

  /** Finishes the tasks of these types and this subject, whoever is at them. */
  finishAllOf(types: readonly string[], subject: string, at: Date): Promise<void>;

  /** Marks a task dead unless it is final already. Answers whether it was this call that did it. */
  bury(id: string, because: string, at: Date): Promise<boolean>;

  /** Cancels what a campaign still had to do, but for tasks of the types given. */
  cancelAll(campaign: string, exceptTypes: readonly string[], at: Date): Promise<void>;

  /**
   * Makes due again what was lost: its lease has ended. One that a function had begun has failed; those that have failed
   * `maxFailures` times in a row are left as they are, and answered.
   */
  recover(at: Date, maxFailures: number): Promise<{ readonly recovered: number; readonly exhausted: readonly Task[] }>;

  /** Ends every lease now: what had waited for its outcome is due first. Only for a process that knows itself to be alone. */
  releaseAllLeases(at: Date): Promise<void>;

  /** Whether a task is in flight, or due and free to be released. */
  isMoving(at: Date): Promise<boolean>;

  /** Tasks by type and state. */
  counts(
    campaign?: string,
  ): Promise<readonly { readonly type: string; readonly state: Task["state"]; readonly count: number }[]>;

  /** A campaign's dead tasks. */
  dead(campaign: string): Promise<readonly Task[]>;
}
