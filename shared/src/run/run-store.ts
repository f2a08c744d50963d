import type { RepoTarget, Run } from "./run.ts";

/** How far a run has come, counted over its repositories; one that is divided counts once for each workspace. */
export interface RunProgress {
  /** Those that were looked at. */
  readonly seen: number;
  readonly selected: number;
  readonly pending: number;
  readonly running: number;
  readonly noChange: number;
  readonly patches: number;
  readonly failed: number;
  readonly cancelled: number;
}

export interface RunStore {
  /** Stores the next run of the campaign. */
  create(run: Omit<Run, "number" | "selectedAt" | "failure">): Promise<Run>;

  /** @throws Rejected (not-found) when there is no such run. */
  get(campaign: string, number: number): Promise<Run>;

  latest(campaign: string): Promise<Run | undefined>;

  /** Writes targets. One that the run has already stays as it is; answers those that were new. */
  addTargets(targets: readonly RepoTarget[]): Promise<readonly RepoTarget[]>;

  /** The newest run of each campaign, when it has a target that points at the execution; one for each such target. */
  runsOfExecution(executionId: string): Promise<readonly Pick<Run, "number" | "specVersion">[]>;

  /** All targets of a run. */
  targets(campaign: string, run: number): Promise<readonly RepoTarget[]>;

  /** @throws Rejected (not-found) when the run has no such target. */
  target(campaign: string, run: number, key: string): Promise<RepoTarget>;

  /**
   * Whether the target still stands for workspaces that are looked for. Then nobody else writes it before the present
   * transaction ends.
   */
  claimLookup(target: Pick<RepoTarget, "campaign" | "run" | "key">): Promise<boolean>;

  /** Writes what was found in the place of a target that was claimed; the first takes its key. */
  divideTarget(target: Pick<RepoTarget, "campaign" | "run" | "key">, into: readonly RepoTarget[]): Promise<void>;

  /** Gives up looking for the workspaces of a target, unless they were found. */
  lookupFailed(campaign: string, run: number, key: string, because: string): Promise<void>;

  /** Ends all looking for workspaces of a campaign. */
  cancelLookups(campaign: string, because: string): Promise<void>;

  /** Marks the selection complete; marking it twice keeps the first time. */
  selectionCompleted(campaign: string, number: number, at: Date): Promise<void>;

  /** Gives the selection up. */
  selectionFailed(campaign: string, number: number, because: string): Promise<void>;

  progress(campaign: string, number: number): Promise<RunProgress>;
}

/** True once every selected repository has its result. */
export function isFinished(run: Run, progress: RunProgress): boolean {
  return run.failure !== undefined || (run.selectedAt !== undefined && progress.pending + progress.running === 0);
}
