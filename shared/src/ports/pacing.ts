/**
 * The budgets that a code host keeps apart: REST, GraphQL, search and code search.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export type PacedResource = "core" | "graphql" | "search" | "code_search";

/** One request that is to be made. */
export interface PacedRequest {
  readonly resource: PacedResource;
  /** What it costs of the resource's own budget, a whole number: 1 for REST, the query's cost for GraphQL. */
  readonly cost: number;
  /** A write counts five points a minute where a read counts one. */
  readonly kind: "read" | "write";
  /** Makes a pull request, a comment or the like: GitHub counts these a minute and an hour. */
  readonly createsContent: boolean;
  /**
   * Who waits: a person, a publication under way, or a sweep that can come later. Near the edge the last ones wait
   * first, and a publication's reads before its writes; but people never keep a publication from ever having its turn.
   */
  readonly urgency: "interactive" | "publish" | "sweep";
}

/** Room for one request, taken until it is given back, or until its lease ends and it counts as lost. */
export interface PacedTurn {
  readonly id: string;
  readonly installation: string;
}

export type PacingAnswer =
  | { readonly kind: "go"; readonly turn: PacedTurn }
  /**
   * There is no room now. At `until` there is, unless somebody else takes it first or, where only what is under way
   * stands in the way, that has not come back yet: then the next answer names a later time.
   */
  | { readonly kind: "wait"; readonly until: Date; readonly because: string };

/** What the code host said in its answer to a request. */
export interface PacedOutcome {
  /** From `x-ratelimit-*`, or from GraphQL's `rateLimit`. Absent where the server has no limits, or did not answer. */
  readonly budget?: {
    readonly resource: PacedResource;
    readonly limit: number;
    readonly remaining: number;
    readonly resetAt: Date;
  };
  /**
   * GitHub asked everybody to slow down: until then where it said so (`retry-after`, or the reset when nothing
   * remains). Without a time everybody waits a minute, and twice as long each time that it says so again.
   */
  readonly slowDown?: { readonly until?: Date };
}

/** A piece of work that makes several REST requests, one after another. */
export interface PacedErrand {
  readonly reads: number;
  readonly writes: number;
  /** Those of the writes that create content. */
  readonly contents: number;
}

export type Appointment =
  | { readonly kind: "go" }
  /** Come back at `until`, and ask again. */
  | { readonly kind: "wait"; readonly until: Date; readonly because: string };

/**
 * The budget of each installation, shared by all functions: whoever makes a request takes a turn first. Nobody holds
 * more than the limits allow, however many processes ask at once; when GitHub tells one to slow down, all of them wait.
 *
 * `now` is the caller's clock. The latest time that anybody told counts, so a clock that is behind cannot make room.
 */
export interface Pacing {
  /**
   * Takes a turn for a request, or says when to ask again.
   *
   * @throws PacingUnavailable when the budget cannot be read; a turn that was taken all the same counts as lost.
   * @throws RangeError when the cost is not a whole number of at least 0.
   */
  take(installation: string, request: PacedRequest, now: Date): Promise<PacingAnswer>;

  /**
   * Gives the turn back, with what GitHub said. Giving it back twice counts nothing twice, so it may be tried again.
   *
   * @throws PacingUnavailable when the budget cannot be written; the turn then ends with its lease.
   */
  done(turn: PacedTurn, outcome: PacedOutcome, now: Date): Promise<void>;

  /**
   * Says when to begin a publication's work, so that of many who wait each comes back when there is room for it, one
   * after another, and not all at the first moment that has room for one. Appointments count against later ones; they are
   * made for some minutes ahead, so those who do not come keep nobody waiting for long. It takes no turn.
   *
   * @throws PacingUnavailable when the budget cannot be read or written.
   * @throws RangeError when a number is not a whole one of at least 0.
   */
  book(installation: string, errand: PacedErrand, now: Date): Promise<Appointment>;

  /**
   * Ends the turns of all installations that are under way, as lost: what they used stays counted. For a process that
   * knows itself to be alone, which finds those of one that died. Doing it twice changes nothing.
   *
   * @throws PacingUnavailable when the budget cannot be written.
   */
  loseAllTurns(now: Date): Promise<void>;

  /** Resolves when turns can be taken. @throws PacingUnavailable with what is wrong. */
  check(): Promise<void>;
}

export class PacingUnavailable extends Error {
  override readonly name = "PacingUnavailable";
}
