import { Hits, seeded, type Frequency } from "./chance.ts";

/** Which requests are hit: those that fit all that is given. */
export interface FaultMatch {
  readonly surface?: "rest" | "graphql" | "git";
  /** Method and path template, such as `POST /repos/{owner}/{repo}/pulls`, or the name of a GraphQL operation. */
  readonly operation?: string;
  readonly method?: string;
  /** A part of the path and query, or a pattern for it. */
  readonly path?: string | RegExp;
  /** A field anywhere in the query or mutation, such as `createPullRequest` or `object`. */
  readonly graphqlField?: string;
}

/**
 * What goes wrong.
 * - `5xx`: an error of GitHub's own with `status` (502 by default)
 * - `timeout`: no answer, ever, while the connection stays open
 * - `reset`: the connection breaks without an answer
 * - `slow`: the answer comes `ms` later, by the clock
 * - `truncated`: the answer breaks off in the middle of its body
 * - `graphql-partial`: status 200, the field named in `match.graphqlField` null with an error, the rest as usual
 * - `graphql-502`: what GraphQL answers when it ran out of time
 * - `unresolved-node`: 422 "Could not resolve to a node" although the thing was made
 * - `limited`: refused as if a secondary limit were passed, in the shape of `refusal`; always before
 */
export type FaultKind =
  | "5xx"
  | "timeout"
  | "reset"
  | "slow"
  | "truncated"
  | "graphql-partial"
  | "graphql-502"
  | "unresolved-node"
  | "limited";

/** How a request is told to slow down: 200 is GraphQL's, 422 says "was submitted too quickly". */
export interface LimitedAnswer {
  readonly status: 200 | 403 | 422 | 429;
  /** Without it GitHub does not say how long. */
  readonly retryAfterSeconds?: number;
}

export interface Fault extends Frequency {
  readonly kind: FaultKind;
  readonly match?: FaultMatch;
  /**
   * `before`, the default: the request has no effect. `after`: it has its effect, but its answer is lost.
   * `truncated` and `unresolved-node` are always after.
   */
  readonly when?: "before" | "after";
  /** Of a `5xx`. */
  readonly status?: 500 | 502 | 503 | 504;
  /** Of a `slow`. */
  readonly ms?: number;
  /** Of a `limited`. */
  readonly refusal?: LimitedAnswer;
}

export interface RequestTraits {
  readonly surface: "rest" | "graphql" | "git";
  readonly operation: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly graphqlFields: ReadonlySet<string>;
}

/** A request that was hit. */
export interface FiredFault {
  readonly fault: Fault;
  readonly method: string;
  readonly path: string;
}

/** Faults on demand, in the order they were added: a request is hit by the first that fits. */
export class Faults {
  readonly #random: () => number;
  readonly #hasOperation: (operation: string) => boolean;
  #active: { readonly fault: Fault; readonly hits: Hits }[] = [];
  /** Every request that was hit so far. */
  readonly fired: FiredFault[] = [];
  /** Every request so far as `match` sees it: what there is to hit. */
  readonly seen: RequestTraits[] = [];

  /**
   * @param seed of those faults that have a chance: the same one hits the same requests again
   * @param hasOperation whether there is a REST operation of that method and path template
   */
  constructor(seed: number, hasOperation: (operation: string) => boolean) {
    this.#random = seeded(seed);
    this.#hasOperation = hasOperation;
  }

  /** @throws Error when the fault contradicts itself, or could never hit anything */
  add(fault: Fault): void {
    const operation = fault.match?.operation;
    if (operation?.includes(" ") === true && !this.#hasOperation(operation))
      throw new Error(`There is no operation ${operation}; write it as the OpenAPI description does.`);
    if (fault.kind === "graphql-partial" && fault.match?.graphqlField === undefined)
      throw new Error("A graphql-partial fault needs match.graphqlField, the field that fails.");
    if (fault.kind === "slow" && fault.ms === undefined) throw new Error("A slow fault needs ms, how long it waits.");
    if (fault.kind === "limited" && (fault.refusal === undefined || fault.when === "after"))
      throw new Error("A limited fault needs its refusal, and what is refused has no effect: leave out `when`.");
    if (fault.kind === "truncated" && fault.when === "before")
      throw new Error("A truncated answer needs an answer: leave out `when`.");
    if (
      fault.match?.surface === "git" &&
      (fault.when === "after" || !["5xx", "timeout", "reset", "slow"].includes(fault.kind))
    )
      throw new Error("Git's own requests can fail only before they begin, by 5xx, timeout, reset or slow.");
    this.#active.push({ fault, hits: new Hits(fault, this.#random) });
  }

  /** Nothing goes wrong any more. */
  clear(): void {
    this.#active = [];
  }

  /** The fault that hits a request, counted as one of its times. */
  strike(traits: RequestTraits): Fault | undefined {
    this.seen.push(traits);
    const struck = this.#active.find(({ fault, hits }) => fits(fault.match ?? {}, traits) && hits.hit());
    if (struck === undefined) return undefined;
    this.fired.push({ fault: struck.fault, method: traits.method, path: traits.path });
    return struck.fault;
  }
}

/** Whether the request is to have its effect before the fault shows. */
export function isAfter(fault: Fault): boolean {
  return fault.when === "after" || fault.kind === "truncated" || fault.kind === "unresolved-node";
}

function fits(match: FaultMatch, traits: RequestTraits): boolean {
  const { surface, operation, method, path, graphqlField } = match;
  const isPath =
    path === undefined || (typeof path === "string" ? traits.path.includes(path) : new RegExp(path).test(traits.path));
  return (
    isPath &&
    (surface === undefined ? traits.surface !== "git" || path !== undefined : surface === traits.surface) &&
    (operation === undefined || operation === traits.operation) &&
    (method === undefined || method.toUpperCase() === traits.method) &&
    (graphqlField === undefined || traits.graphqlFields.has(graphqlField))
  );
}
