/** A step as the sandbox runs it: templates are still in it, since they may read what earlier steps put out. */
export interface SandboxStep {
  readonly name?: string | undefined;
  /** A script for `sh`; its working directory is the root of the workspace. */
  readonly run: string;
  /** The container image; the process sandbox uses the machine's own programs instead and ignores it. */
  readonly image: string;
  /** Values are templates, or name a secret. */
  readonly env: Readonly<Record<string, string | { readonly secret: string }>>;
  /**
   * Files to place before the step runs: absolute path inside the sandbox → template of the content. Never part of the
   * patch, and gone after the step; those below /tmp may be changed by it.
   */
  readonly files: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** A template; the step runs only when it renders to `true`. */
  readonly if?: string | undefined;
  readonly outputs: Readonly<Record<string, { readonly value: string; readonly format: "text" | "json" | "yaml" }>>;
}

/** Everything the transform of one execution needs. */
export interface TransformJob {
  readonly executionId: string;
  /** Counts the times the execution was tried, from 1. */
  readonly attempt: number;
  /** Where its artifacts go in the blob store, without a trailing slash. */
  readonly artifactPrefix: string;
  readonly source: {
    readonly repositoryId: number;
    readonly repositoryNodeId: string;
    readonly owner: string;
    readonly name: string;
    readonly branch: string;
    /** The base commit: a full SHA-1. */
    readonly commit: string;
  };
  /** The part of the repository that the steps are about. */
  readonly workspace: {
    /** Relative to the root of the repository, without a slash at either end; empty: the root. Steps run in it. */
    readonly path: string;
    /** The rest of the repository is not laid out, and must not be changed. */
    readonly onlyFetch: boolean;
  };
  readonly campaign: { readonly name: string; readonly description: string };
  readonly steps: readonly SandboxStep[];
  /** What the steps may reach, by the names that the operator has given to it; mostly nothing. */
  readonly networks: readonly string[];
  readonly limits: SandboxLimits;
}

export interface SandboxLimits {
  readonly memoryBytes: number;
  /** Processes and threads together. */
  readonly processes: number;
  /** What the workspace (the repository's own files included) and /tmp may hold, together. */
  readonly diskBytes: number;
  /** A step's log is cut after this much, with a line that says so; the step goes on. */
  readonly logBytes: number;
  /** A larger patch fails the execution. */
  readonly patchBytes: number;
}

/**
 * Runs transforms apart from everything else: no network but what the operator allows them, a read-only file system but for the workspace and a private
 * /tmp, no privileges, limits, and a timeout that ends the whole process tree.
 *
 * A transform ends by writing its artifacts and then `<artifactPrefix>/result.json` (a `TransformResult`), whether the
 * steps succeeded or not, and by reporting the execution. Secrets are redacted from all of it.
 */
export interface Sandbox {
  /**
   * Starts the transform and does not wait for it. Starting one that runs or has finished changes nothing, so doing it
   * twice is safe. Answers what it waits for where it cannot begin at once for want of a place: whether it still may is
   * asked when it has one. @throws SandboxUnavailable when nothing can be started here, now or ever.
   */
  start(job: TransformJob): Promise<{ readonly waitingFor: string } | undefined>;

  /** What became of a transform. */
  inspect(job: Pick<TransformJob, "executionId" | "attempt" | "artifactPrefix">): Promise<Inspection>;

  /** Ends a running transform and everything it started; it reports no result. Cancelling another changes nothing. */
  cancel(executionId: string): Promise<void>;

  /** Resolves when transforms can be started. @throws SandboxUnavailable with what is missing and the remedy. */
  check(): Promise<void>;
}

export type Inspection =
  /** It was never started, or died without a trace, as in a crash: it can be started. */
  | { readonly status: "unknown" }
  /** It has been started. While it waits for something outside of it, such as room on a machine, that is named. */
  | { readonly status: "running"; readonly waitingFor?: string | undefined }
  /** Its result is there. */
  | { readonly status: "finished" }
  /** It has ended without a result and will have none. */
  | ({ readonly status: "lost" } & Loss);

/** Why a transform ended without a result. */
export interface Loss {
  /** `limit`: a step used up its memory or disk, and was ended with all around it. */
  readonly kind: "infrastructure" | "limit";
  /** The index of the step at fault, when it was one. */
  readonly step?: number | undefined;
  /** For people: what happened and what to do about it. */
  readonly because: string;
  /** Whether another attempt may fare better. */
  readonly retryable: boolean;
}

export class SandboxUnavailable extends Error {
  override readonly name = "SandboxUnavailable";
}
