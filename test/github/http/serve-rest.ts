import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import { identify } from "../auth/identify.ts";
import { isAfter } from "../faults/faults.ts";
import { rateHeaders } from "../limits/rate-limits.ts";
import { answerRest, findOperation, refusalBody, type RestOutcome } from "../rest/rest-api.ts";
import { installationOf, sendJson, sendThrough, waitFor, type Front, type Seen } from "./front.ts";
import { parseJson, readBody } from "./incoming.ts";
import { Refusal } from "./refusal.ts";

/** Serves one request below `/api/v3`. */
export async function serveRest(
  front: Front,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<Seen> {
  const { site, rates, faults } = front;
  const method = request.method ?? "GET";
  const path = url.pathname.slice("/api/v3".length).replace(/(?<=.)\/$/, "");
  let body: unknown;
  let caller: Caller = { kind: "anonymous" };
  try {
    body = parseJson(await readBody(request));
    caller = identify(site.world, request.headers.authorization);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const headers = { ...rateHeaders(rates, caller, "core"), ...error.headers };
    sendJson(front, response, error.status, refusalBody(error), headers);
    return { ...nothingDone, status: error.status, requestBody: body };
  }
  const match = findOperation(site, method, path);
  const operation = match === undefined ? undefined : `${method} ${match.route.template}`;
  const traits = { surface: "rest", operation, method, path: `${path}${url.search}`, graphqlFields: noFields } as const;
  const fault = faults.strike(traits);
  const seen = {
    ...nothingDone,
    operationId:
      match === undefined ? undefined : (front.validation?.operationId(method, match.route.template) ?? operation),
    installationId: installationOf(caller),
    requestBody: body,
    fault: fault?.kind,
  };
  if (fault !== undefined && !isAfter(fault)) {
    if (fault.kind !== "slow") return { ...seen, status: await sendThrough(front, response, undefined, fault) };
    await waitFor(front, fault);
  }
  const onClosed = (done: () => void): void => void response.once("close", done);
  const call = { method, url, path, headers: request.headers, body, caller, match, onClosed };
  const outcome = await answerRest(site, rates, call);
  validate(front, { method, url, body }, outcome);
  const status = await sendThrough(
    front,
    response,
    { ...outcome, body: outcome.body },
    fault !== undefined && isAfter(fault) ? fault : undefined,
  );
  return { ...seen, isWrite: method !== "GET" && outcome.route?.isHousekeeping !== true, status };
}

const noFields: ReadonlySet<string> = new Set();

const nothingDone = {
  kind: "rest",
  operationId: undefined,
  isWrite: false,
  installationId: undefined,
  rootFields: [],
} as const;

function validate(
  front: Front,
  asked: { readonly method: string; readonly url: URL; readonly body: unknown },
  outcome: RestOutcome,
): void {
  front.validation?.check({
    method: asked.method,
    path: asked.url.pathname,
    template: outcome.route?.template,
    params: outcome.params,
    query: asked.url.searchParams,
    body: asked.body,
    status: outcome.status,
    answer: outcome.body,
  });
}
