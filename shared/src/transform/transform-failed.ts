import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { TransformFailure, TransformOutcome } from "#shared/execution/transform-result.ts";
import type { Redactor } from "./redactor.ts";

/** Ends a transform with a verdict for people. */
export class TransformFailed extends Error {
  override readonly name = "TransformFailed";
  readonly kind: TransformFailure["kind"];
  readonly step: number | undefined;
  readonly retryable: boolean;
  constructor(
    kind: TransformFailure["kind"],
    message: string,
    options: { readonly step?: number; readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.step = options.step;
    this.retryable = options.retryable ?? false;
  }
}

/** The verdict on whatever went wrong, without secrets. What nobody expected counts as the machine's fault. */
export function outcomeOfFailure(error: unknown, redactor: Redactor): TransformOutcome & { status: "failed" } {
  const { kind, retryable, step, message } = judge(error);
  const failure = { kind, message: redactor.redactText(message), ...(step === undefined ? {} : { step }) };
  return { status: "failed", failure, retryable };
}

function judge(error: unknown): {
  kind: TransformFailure["kind"];
  message: string;
  retryable: boolean;
  step?: number | undefined;
} {
  if (error instanceof TransformFailed) {
    const { kind, message, retryable, step } = error;
    return { kind, message, retryable, step };
  }
  if (error instanceof CodeHostRefused) return { kind: "checkout", message: error.message, retryable: false };
  if (error instanceof CodeHostUnavailable || error instanceof CodeHostBusy) {
    return { kind: "checkout", message: error.message, retryable: true };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "infrastructure", message: `The sandbox failed: ${message}`, retryable: true };
}
