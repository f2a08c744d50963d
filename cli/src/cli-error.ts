import type { ErrorBody } from "#shared/api/schemas.ts";
import { exitCodes, type ExitCode } from "./exit-codes.ts";

export type Problem = NonNullable<ErrorBody["error"]["problems"]>[number];

/** Something a person can understand and mend: printed as it is, without a stack. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  /** For scripts, such as `not-found`. */
  readonly code: string;
  /** What to do about it, when the message does not say so already. */
  readonly remedy: string | undefined;
  /** What is wrong with a spec, and where. */
  readonly problems: readonly Problem[];
  /** After how many milliseconds the same request is worth another try, when the service said so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    exit: keyof typeof exitCodes,
    code: string,
    message: string,
    options: ErrorOptions & {
      readonly remedy?: string;
      readonly problems?: readonly Problem[];
      readonly retryAfterMs?: number;
    } = {},
  ) {
    super(message, options);
    this.exitCode = exitCodes[exit];
    this.code = code;
    this.remedy = options.remedy;
    this.problems = options.problems ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}
