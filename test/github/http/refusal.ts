/** One entry of a 422's `errors`. */
export interface FieldError {
  readonly resource: string;
  readonly code: "missing" | "missing_field" | "invalid" | "already_exists" | "unprocessable" | "custom";
  readonly field?: string;
  readonly message?: string;
  readonly value?: string;
}

/** The `type` of a GraphQL error. */
export type GraphqlErrorType =
  | "NOT_FOUND"
  | "FORBIDDEN"
  | "UNPROCESSABLE"
  | "STALE_DATA"
  | "RATE_LIMITED"
  | "INSUFFICIENT_SCOPES"
  | "EXCESSIVE_PAGINATION"
  | "MISSING_PAGINATION_BOUNDARIES"
  | "INVALID_CURSOR_ARGUMENTS"
  | "MAX_NODE_LIMIT_EXCEEDED"
  | "SERVICE_UNAVAILABLE";

interface RefusalOptions {
  readonly type?: GraphqlErrorType;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the body says more is to be read. */
  readonly documentation?: string;
}

/** GitHub says no. REST writes it as a status with a body, GraphQL as an entry of `errors`. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly type: GraphqlErrorType | undefined;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly documentation: string;

  constructor(status: number, message: string, options: RefusalOptions = {}) {
    super(message);
    this.status = status;
    this.type = options.type;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
    this.documentation = options.documentation ?? "https://docs.github.com/rest";
  }
}

export function notFound(): Refusal {
  return new Refusal(404, "Not Found", { type: "NOT_FOUND" });
}

export function badCredentials(): Refusal {
  return new Refusal(401, "Bad credentials");
}

/** 422 with a message of its own. */
export function unprocessable(message: string): Refusal {
  return new Refusal(422, message, { type: "UNPROCESSABLE" });
}

/** 422 "Validation Failed" with what is wrong in `errors`. */
export function validationFailed(...errors: readonly FieldError[]): Refusal {
  return new Refusal(422, "Validation Failed", { type: "UNPROCESSABLE", errors });
}

/** An App lacks a permission. `accepted` is the header's text, such as `issues=write; pull_requests=write`. */
export function lacksPermission(accepted: string): Refusal {
  const headers = { "x-accepted-github-permissions": accepted };
  return new Refusal(403, "Resource not accessible by integration", { type: "FORBIDDEN", headers });
}
