import type { IncomingMessage, ServerResponse } from "node:http";
import { identify } from "../auth/identify.ts";
import { isAfter, type Fault } from "../faults/faults.ts";
import { answerGraphql, readGraphql } from "../graphql/answer-graphql.ts";
import { rateHeaders } from "../limits/rate-limits.ts";
import { refusalBody } from "../rest/rest-api.ts";
import { installationOf, sendJson, sendThrough, waitFor, type Front, type Seen } from "./front.ts";
import { parseJson, readBody } from "./incoming.ts";
import { Refusal } from "./refusal.ts";

/** Serves one request at `/api/graphql`. */
export async function serveGraphql(front: Front, request: IncomingMessage, response: ServerResponse): Promise<Seen> {
  const { site, rates, faults } = front;
  let seen: Seen = {
    kind: "graphql",
    operationId: undefined,
    isWrite: false,
    status: 0,
    installationId: undefined,
    rootFields: [],
    requestBody: undefined,
  };
  let headers: Readonly<Record<string, string>> = {};
  try {
    const body = parseJson(await readBody(request));
    seen = { ...seen, requestBody: body };
    const caller = identify(site.world, request.headers.authorization);
    if (caller.kind === "anonymous") throw new Refusal(401, "This endpoint requires you to be authenticated.");
    if (request.method !== "POST") throw new Refusal(404, "Not Found");
    const plan = await readGraphql(body);
    const { operationName, rootFields, isMutation, fields } = plan;
    const traits = {
      surface: "graphql",
      operation: operationName,
      method: "POST",
      path: "/graphql",
      graphqlFields: fields,
    } as const;
    const fault = faults.strike(traits);
    const installationId = installationOf(caller);
    seen = { ...seen, operationId: operationName, rootFields, installationId, fault: fault?.kind };
    if (fault !== undefined && !isAfter(fault) && fault.kind !== "graphql-partial") {
      if (fault.kind !== "slow") return { ...seen, status: await sendThrough(front, response, undefined, fault) };
      await waitFor(front, fault);
    }
    seen = { ...seen, isWrite: isMutation };
    const onClosed = (done: () => void): void => void response.once("close", done);
    headers = rateHeaders(rates, caller, "graphql");
    const outcome = await answerGraphql(site, rates, { caller, plan, failing: failing(fault), onClosed });
    const afterwards = fault !== undefined && isAfter(fault) ? fault : undefined;
    return { ...seen, status: await sendThrough(front, response, { status: 200, ...outcome }, afterwards) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    sendJson(front, response, error.status, refusalBody(error), { ...headers, ...error.headers });
    return { ...seen, isWrite: false, status: error.status };
  }
}

function failing(fault: Fault | undefined): { readonly field: string; readonly isAfter: boolean } | undefined {
  if (fault?.kind !== "graphql-partial" || fault.match?.graphqlField === undefined) return undefined;
  return { field: fault.match.graphqlField, isAfter: isAfter(fault) };
}
