import type { FactOf, Lifecycle, Transition } from "#shared/lifecycle.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";
import type { PatchStatistics } from "./transform-result.ts";
import type { Workspace } from "./workspace.ts";

/** The steps of a spec version, run on one base commit of one repository, or of one workspace of it. */
export interface Execution {
  /** A hash of the work, see `executionIdFor`: also the name of its job. */
  readonly id: string;
  readonly campaign: string;
  /** The spec version that asked for it first. */
  readonly specVersion: number;
  readonly repository: RepositoryRef;
  readonly branch: string;
  readonly baseCommit: string;
  readonly workspace: Workspace;
  /** Counts the times it was begun, from 1: when it was asked for again, and when the infrastructure let it down. */
  readonly attempt: number;
  readonly state: ExecutionState;
  readonly version: number;
}

/** How much a patch changes; which files, the result in the blob store says. */
export type PatchTotals = Pick<PatchStatistics, "filesChanged" | "additions" | "deletions">;

interface Retries {
  /** How often the infrastructure let it down since it was asked for; absent when it never did. */
  readonly retries?: number;
}

export type ExecutionState =
  | ({ readonly status: "pending" } & Retries)
  | ({ readonly status: "running" } & Retries)
  | { readonly status: "no-change" }
  | {
      readonly status: "patch";
      /** The git tree that the whole repository has with the patch. */
      readonly tree: string;
      readonly patchKey: string;
      readonly changesKey: string;
      readonly statistics: PatchTotals;
    }
  | { readonly status: "failed"; readonly because: string }
  | { readonly status: "cancelled"; readonly because: string }
  | {
      /** Its artifacts were kept long enough, and are gone: whoever wants the result has the work done again. */
      readonly status: "expired";
      readonly was: "no-change" | "patch";
      readonly because: string;
      /** Of the patch. */
      readonly statistics?: PatchTotals;
    };

export type ExecutionFact =
  | { readonly fact: "started" }
  | { readonly fact: "left-unchanged" }
  | ({ readonly fact: "patched" } & Omit<Extract<ExecutionState, { status: "patch" }>, "status">)
  | { readonly fact: "failed"; readonly because: string }
  | { readonly fact: "cancelled"; readonly because: string }
  | { readonly fact: "expired"; readonly because: string }
  | { readonly fact: "asked-again" };

type Ended = {
  readonly [Name in "left-unchanged" | "patched" | "failed" | "cancelled"]: Transition<
    unknown,
    FactOf<ExecutionFact, Name>,
    ExecutionState
  >;
};

const ended: Ended = {
  "left-unchanged": { to: "no-change", state: () => ({ status: "no-change" }) },
  patched: { to: "patch", state: (_, { fact: _fact, ...patch }) => ({ status: "patch", ...patch }) },
  failed: { to: "failed", state: (_, { because }) => ({ status: "failed", because }) },
  cancelled: { to: "cancelled", state: (_, { because }) => ({ status: "cancelled", because }) },
};

const again: Transition<unknown, unknown, ExecutionState> = { to: "pending", state: () => ({ status: "pending" }) };

/** A report may overtake the note that the transform was started, so what is pending can end too. */
export const executionLifecycle: Lifecycle<ExecutionState, ExecutionFact> = {
  pending: { started: { to: "running", state: (from) => ({ ...from, status: "running" }) }, ...ended },
  running: ended,
  "no-change": {
    expired: { to: "expired", state: (_, { because }) => ({ status: "expired", was: "no-change", because }) },
  },
  patch: {
    expired: {
      to: "expired",
      state: ({ statistics }, { because }) => ({ status: "expired", was: "patch", because, statistics }),
    },
  },
  failed: { "asked-again": again },
  cancelled: { "asked-again": again },
  expired: { "asked-again": again },
};

/** Where the artifacts of the present attempt are kept. Each attempt has its own place, since blobs are written once. */
export function artifactPrefix(execution: Execution): string {
  const { campaign, specVersion, repository, id, attempt } = execution;
  return `${campaign}/${specVersion}/${repository.id}/${id}/${attempt}`;
}

/** The execution and the attempt whose artifact has this key, or undefined when no artifact has such a key. */
export function placeOfArtifact(key: string): { readonly executionId: string; readonly attempt: number } | undefined {
  const [, executionId, attempt] = /^[^/]+\/\d+\/\d+\/(x-[^/]+)\/(\d+)\/./.exec(key) ?? [];
  return executionId === undefined ? undefined : { executionId, attempt: Number(attempt) };
}
