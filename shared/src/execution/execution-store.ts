import type { Execution, ExecutionState } from "./execution.ts";

export interface Artifact {
  readonly key: string;
  readonly executionId: string;
  readonly kind: "result" | "patch" | "changes" | "log";
}

export interface ExecutionStore {
  /** @throws Rejected (not-found) when there is no such execution. */
  get(id: string): Promise<Execution>;

  /** Those of the executions that exist. */
  find(ids: readonly string[]): Promise<ReadonlyMap<string, Execution>>;

  /** Stores executions; one that exists already stays as it is. */
  addAll(executions: readonly Omit<Execution, "version">[], at: Date): Promise<void>;

  /** Writes state and attempt. @throws Conflict when somebody else wrote since it was read. */
  save(execution: Execution, at: Date): Promise<void>;

  /** The ids of a campaign's executions in this status. */
  idsWithStatus(campaign: string, status: ExecutionState["status"]): Promise<readonly string[]>;

  /** Notes what is kept for an execution; noting it twice changes nothing. */
  addArtifacts(artifacts: readonly Artifact[], at: Date): Promise<void>;

  artifacts(executionId: string): Promise<readonly Artifact[]>;
}
