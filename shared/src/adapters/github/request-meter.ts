import type { RequestCost } from "../../ports/code-host.ts";
import type { RequestTraits } from "./request-traits.ts";

/** Adds up what is asked of GitHub for one purpose. */
export interface RequestMeter {
  /** Counts a request, with what GraphQL charged for it where an answer told. */
  readonly count: (traits: RequestTraits, points: number | undefined) => void;
  readonly cost: () => RequestCost;
}

export function createRequestMeter(): RequestMeter {
  let cost: RequestCost = { requests: 0, graphqlRequests: 0, graphqlPoints: 0, searches: 0 };
  return {
    count({ resource }, points = 0) {
      const { requests, graphqlRequests, graphqlPoints, searches } = cost;
      cost = {
        requests: requests + 1,
        graphqlRequests: graphqlRequests + (resource === "graphql" ? 1 : 0),
        graphqlPoints: graphqlPoints + points,
        searches: searches + (resource === "search" || resource === "code_search" ? 1 : 0),
      };
    },
    cost: () => cost,
  };
}
