/** The event can never be handled: it is not delivered again, and its task is dead (HTTP 422). */
export class Unprocessable extends Error {
  override readonly name = "Unprocessable";
}

/** Not yet: the task stays in the table and is released again at `at` (HTTP 202). The message says what it waits for. */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly at: Date;
  constructor(at: Date, because: string, options?: ErrorOptions) {
    super(because, options);
    this.at = at;
  }
}

/** Somebody else wrote first: read again, decide again. */
export class Conflict extends Error {
  override readonly name = "Conflict";
}

/** A person asked for something that cannot be done. `code` is for scripts, the message for people, with the remedy. */
export class Rejected extends Error {
  override readonly name = "Rejected";
  readonly code: RejectionCode;
  constructor(code: RejectionCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** `not-found`: there is no such thing; `conflict`: not in its present state; `invalid`: the input is wrong. */
export type RejectionCode = "not-found" | "conflict" | "invalid";
