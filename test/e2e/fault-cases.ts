import type { Fault } from "../github/faults/faults.ts";
import type { Lag } from "../github/faults/lags.ts";
import type { WebhookFault } from "../github/webhooks/webhook-faults.ts";
import type { Operation } from "./disturbed-campaign.ts";

/** What goes wrong with one request; undefined where it cannot happen to a request of this kind. */
export interface RequestFault {
  readonly name: string;
  readonly at: (operation: Operation) => Fault | undefined;
  /** It may also hit some requests in a row, so that asking again at once is in vain. */
  readonly lasts?: true;
  /** Of our requests, where somebody has to wait for it in real time. */
  readonly requestTimeoutMs?: number;
}

const anywhere =
  (fault: Omit<Fault, "match">) =>
  ({ operation }: Operation): Fault => ({ ...fault, match: { operation } });

const inGraphql =
  (fault: (operation: Operation) => Fault) =>
  (operation: Operation): Fault | undefined =>
    operation.surface === "graphql" ? fault(operation) : undefined;

const afterPosting =
  (fault: Omit<Fault, "match">) =>
  ({ operation, surface, method }: Operation): Fault | undefined =>
    surface === "rest" && method === "POST" && !operation.startsWith("POST /app/")
      ? { ...fault, match: { operation } }
      : undefined;

/** A GraphQL answer with an error instead of the field that it was asked for. */
const partial =
  (when: "before" | "after") =>
  ({ operation, graphqlFields }: Operation) => {
    const [graphqlField] = graphqlFields;
    if (graphqlField === undefined) throw new Error(`${operation} asks for nothing.`);
    return { kind: "graphql-partial", when, match: { operation, graphqlField } } as const;
  };

/** How a request is told to slow down: GraphQL has a way of its own. */
const limited =
  (rest: Fault["refusal"], graphql: Fault["refusal"] = rest) =>
  ({ operation, surface }: Operation): Fault | undefined => {
    const refusal = surface === "graphql" ? graphql : rest;
    return refusal && { kind: "limited", refusal, match: { operation } };
  };

/** Long enough for what this machine answers, even when it is busy: who gives up too early only asks again. */
const shortMs = 400;

/** Faults of requests. Each is made to hit every kind of request that publishing and reconciling make. */
export const requestFaults: readonly RequestFault[] = [
  { name: "an error of the server before anything was done", at: anywhere({ kind: "5xx", status: 503 }), lasts: true },
  { name: "an error of the server after all was done", at: anywhere({ kind: "5xx", when: "after" }), lasts: true },
  { name: "no answer to what was not done", at: anywhere({ kind: "timeout" }), requestTimeoutMs: shortMs },
  { name: "no answer to what was done", at: anywhere({ kind: "timeout", when: "after" }), requestTimeoutMs: shortMs },
  { name: "a connection that breaks before anything was done", at: anywhere({ kind: "reset" }), lasts: true },
  { name: "a connection that breaks after all was done", at: anywhere({ kind: "reset", when: "after" }), lasts: true },
  { name: "a slow answer", at: anywhere({ kind: "slow", ms: 9_000 }) },
  { name: "an answer that breaks off", at: anywhere({ kind: "truncated" }), lasts: true },
  { name: "GraphQL that runs out of time before it begins", at: inGraphql(anywhere({ kind: "graphql-502" })) },
  { name: "GraphQL that runs out of time at the end", at: inGraphql(anywhere({ kind: "graphql-502", when: "after" })) },
  { name: "a GraphQL error instead of a mutation", at: inGraphql(partial("before")) },
  { name: "a GraphQL error beside a mutation that was done", at: inGraphql(partial("after")) },
  { name: "a thing that was made and is not known yet", at: afterPosting({ kind: "unresolved-node" }), lasts: true },
  { name: "a secondary limit (403) that says how long", at: limited({ status: 403, retryAfterSeconds: 30 }) },
  { name: "a secondary limit (403) that does not say how long", at: limited({ status: 403 }, { status: 200 }) },
  { name: "a secondary limit (429) that says how long", at: limited({ status: 429, retryAfterSeconds: 90 }) },
  { name: "a secondary limit (429) that does not say how long", at: limited({ status: 429 }) },
  {
    name: "a secondary limit of GraphQL (200) that says how long",
    at: inGraphql(anywhere({ kind: "limited", refusal: { status: 200, retryAfterSeconds: 45 } })),
  },
  { name: "what was submitted too quickly", at: afterPosting({ kind: "limited", refusal: { status: 422 } }) },
];

/** Which requests of a kind are hit: the n-th, and so many from there on. */
export const places = [
  { place: "the first request of every kind meets", faults: requestFaults, skip: 0, times: 1 },
  {
    place: "three requests of every kind in a row, from the second on, meet",
    faults: requestFaults.filter(({ lasts }) => lasts === true),
    skip: 1,
    times: 3,
  },
] as const;

/** Reads that do not show what was just written; and answers that are lost, so that somebody has to look. */
export const lagCases: readonly { readonly name: string; readonly lag: Lag; readonly lost?: Fault }[] = [
  {
    name: "branches that are shown as they were, after an answer was lost",
    lag: { of: "ref", reads: 2 },
    lost: { kind: "5xx", when: "after", match: { operation: "MoveBranch" } },
  },
  {
    name: "pull requests that lists do not show yet, after an answer was lost",
    lag: { of: "pull-request-list", reads: 2 },
    lost: { kind: "reset", when: "after", match: { operation: "POST /repos/{owner}/{repo}/pulls" } },
  },
  { name: "pull requests that are not found by their number yet", lag: { of: "pull-request", reads: 2 } },
];

/** What happens to every webhook, and what GitHub's own record of a delivery says then: lost ones are not in it. */
export const webhookCases: readonly {
  readonly name: string;
  readonly fault: Omit<WebhookFault, "times">;
  readonly recorded?: string;
}[] = [
  { name: "lost", fault: { kind: "lose" } },
  { name: "not delivered", fault: { kind: "fail" }, recorded: "failed to connect to host" },
  { name: "delivered twice", fault: { kind: "duplicate" }, recorded: "OK" },
  { name: "overtaken by the next", fault: { kind: "hold" }, recorded: "OK" },
  { name: "twenty minutes late", fault: { kind: "delay", ms: 20 * 60_000 }, recorded: "OK" },
];
