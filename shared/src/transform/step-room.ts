import type { SandboxStep } from "#shared/ports/sandbox.ts";
import type { ChangedFiles } from "#shared/spec/template/context.ts";
import type { CollectedPatch } from "./patch.ts";
import type { StepEnd } from "./progress.ts";
import type { Redactor } from "./redactor.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StepInputs } from "./step-inputs.ts";

/** Where the steps of one transform run, with the repository laid out in it. */
export interface StepRoom {
  /**
   * Runs a step to its end; when it succeeded, nothing that it started is left either.
   * @throws TransformFailed when it cannot be run here.
   */
  run(step: StepTurn): Promise<StepRun>;
  /** What all steps so far have changed. @throws TransformFailed for a work tree that no commit could hold. */
  changedFiles(): Promise<ChangedFiles>;
  /** What differs from the base now; undefined where it cannot be kept truly, or need not be. */
  snapshot(): Promise<Snapshot | undefined>;
  /** What a step had for itself is needed no more. */
  forget(index: number): Promise<void>;
  /** @throws TransformFailed as `changedFiles` does. */
  collect(patchBytes: number): Promise<Collected>;
}

export interface StepTurn {
  readonly step: SandboxStep;
  readonly index: number;
  readonly inputs: StepInputs;
  readonly redactor: Redactor;
  /** Sees what the step prints as it comes, redacted, beyond what is kept of it as well. */
  readonly show?: ((bytes: Uint8Array) => void) | undefined;
}

/** How a step ended, with all that is kept of what it printed. */
export interface StepRun extends Omit<StepEnd, "logKey"> {
  readonly log: Uint8Array;
}

export type Collected =
  | { readonly kind: "no-change" }
  | { readonly kind: "patch-too-large" }
  | ({ readonly kind: "patch" } & Omit<CollectedPatch, "baseTree">);
