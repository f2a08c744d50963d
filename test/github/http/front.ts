import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import { sendAnswer, sendBroken } from "../faults/broken-answer.ts";
import type { Fault, Faults } from "../faults/faults.ts";
import type { RateLimits } from "../limits/rate-limits.ts";
import type { Site } from "../site.ts";
import type { RestValidation } from "../validation/rest-validation.ts";
import { waitOn } from "../virtual-clock.ts";
import type { LoggedRequest } from "./requests-log.ts";

/** What the server needs besides the site itself. */
export interface Front {
  readonly site: Site;
  readonly rates: RateLimits;
  readonly faults: Faults;
  readonly validation: RestValidation | undefined;
  readonly requests: LoggedRequest[];
  readonly log: (line: string) => void;
}

/** What is recorded of a request. */
export type Seen = Omit<LoggedRequest, "at" | "method" | "path" | "sentBytes">;

/** Which installation makes the request, if one does. */
export function installationOf(caller: Caller): number | undefined {
  return caller.kind === "installation" ? caller.installation.id : undefined;
}

type Headers = Readonly<Record<string, string>>;

/** Sends an answer with the headers that all of GitHub's have. */
export function sendJson(
  front: Front,
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Headers,
): void {
  sendAnswer(response, { status, headers: { ...commonHeaders(front, body), ...headers }, body });
}

/** Waits as long as a slow fault says. */
export async function waitFor(front: Front, fault: Fault): Promise<void> {
  await waitOn(front.site.world.clock, fault.ms ?? 0);
}

/** Sends the answer, or what a fault makes of it; answers the status that the client saw, 0 for none. */
export async function sendThrough(
  front: Front,
  response: ServerResponse,
  answer: { readonly status: number; readonly body: unknown; readonly headers: Headers } | undefined,
  fault: Fault | undefined,
): Promise<number> {
  if (fault?.kind === "slow") await waitFor(front, fault);
  if (fault !== undefined && fault.kind !== "slow" && fault.kind !== "graphql-partial") {
    const base = { ...commonHeaders(front, {}), ...answer?.headers };
    return sendBroken(response, fault, answer === undefined ? undefined : { ...answer, headers: base }, base);
  }
  if (answer === undefined) throw new Error("There is nothing to answer.");
  sendJson(front, response, answer.status, answer.body, answer.headers);
  return answer.status;
}

function commonHeaders(front: Front, body: unknown): Record<string, string> {
  return {
    server: "github.com",
    "x-github-media-type": "github.v3; format=json",
    "x-github-request-id": randomUUID().toUpperCase(),
    date: front.site.world.clock.now().toUTCString(),
    "cache-control": "private, max-age=60, s-maxage=60",
    ...(body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
  };
}
