import type { Execution, ExecutionState } from "./execution.ts";

export interface Artifact {
  readonly key: string;
  readonly executionId: string;
  readonly kind: "result" | "patch" | "changes" | "log";
}

/** What has to be known of an execution to judge what it left. */
export interface LastUse {
  readonly status: ExecutionState["status"];
  readonly attempt: number;
  readonly at: Date;
}

export interface ExecutionStore {
  /** @throws Rejected (not-found) when there is no such execution. */
  get(id: string): Promise<Execution>;

  /** Those of the executions that exist. */
  find(ids: readonly string[]): Promise<ReadonlyMap<string, Execution>>;

  /**
   * Those of the executions that exist, which somebody needs from now on. Until the present transaction ends nobody else
   * changes them, and no look at them from before lets them expire.
   */
  use(ids: readonly string[], at: Date): Promise<ReadonlyMap<string, Execution>>;

  /** Stores executions; one that exists already stays as it is. */
  addAll(executions: readonly Omit<Execution, "version">[], at: Date): Promise<void>;

  /** Writes state and attempt. @throws Conflict when somebody else wrote since it was read. */
  save(execution: Execution, at: Date): Promise<void>;

  /**
   * Notes that an attempt which had to wait begins now. Answers whether it may: not when it was cancelled or another one
   * has taken its place, nor while its campaign is held.
   */
  begin(attempt: { readonly id: string; readonly attempt: number }, at: Date): Promise<boolean>;

  /** The ids of a campaign's executions in this status. */
  idsWithStatus(campaign: string, status: ExecutionState["status"]): Promise<readonly string[]>;

  /** Notes what is kept for an execution; noting it twice changes nothing. */
  addArtifacts(artifacts: readonly Artifact[], at: Date): Promise<void>;

  artifacts(executionId: string): Promise<readonly Artifact[]>;

  /** Forgets what is kept for an execution, its changed files included; forgetting it twice changes nothing. */
  forgetArtifacts(executionId: string): Promise<void>;

  /** Forgets artifacts by their keys; those that nobody noted change nothing. */
  forgetBlobs(keys: readonly string[]): Promise<void>;

  /**
   * Up to `limit` executions with a result that nobody has needed since, the longest unneeded first. It is needed by a run
   * that asks for it, by a changeset that was written since, by a pull request that is open, and, unless the campaign was
   * killed, by a changeset that waits to be published or may be asked to while the campaign has others under way.
   */
  unneededSince(before: Date, limit: number): Promise<readonly Execution[]>;

  /** Whether this execution is one of those, as the present transaction sees it. */
  isUnneededSince(id: string, before: Date): Promise<boolean>;

  /** Of these executions, those that exist, and when each was last written or asked for. */
  lastUses(ids: readonly string[]): Promise<ReadonlyMap<string, LastUse>>;
}
