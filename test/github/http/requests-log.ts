import type { FaultKind } from "../faults/faults.ts";

/** One request as this GitHub saw it, and what became of it. */
export interface LoggedRequest {
  readonly at: Date;
  readonly kind: "rest" | "graphql" | "git" | "page";
  readonly method: string;
  readonly path: string;
  /** Of the OpenAPI description, such as `pulls/create`; for GraphQL the operation's name, for git the service. */
  readonly operationId: string | undefined;
  /** Whether it was meant to change anything of the repositories. Minting and revoking tokens is no such change. */
  readonly isWrite: boolean;
  /** 0 when no answer went out. */
  readonly status: number;
  /** What went out in answer, headers included. */
  readonly sentBytes: number;
  /** What was made to go wrong with it. */
  readonly fault?: FaultKind | undefined;
  readonly installationId: number | undefined;
  /** For GraphQL: the root fields it asked for, such as `["updateRefs"]`. */
  readonly rootFields: readonly string[];
  readonly requestBody: unknown;
}
