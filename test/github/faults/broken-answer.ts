import type { ServerResponse } from "node:http";
import { slowDown } from "../limits/rate-refusals.ts";
import type { Fault, LimitedAnswer } from "./faults.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for none. */
  readonly body: unknown;
}

/** Sends an answer as JSON. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
}

/**
 * Does to an answer what the fault says.
 * @param answer what would have gone out; undefined when the request was not carried out
 * @returns the status that the client saw, 0 for none
 */
export function sendBroken(
  response: ServerResponse,
  fault: Fault,
  answer: Answer | undefined,
  base: Answer["headers"],
): number {
  const headers = { ...base, "content-type": "application/json; charset=utf-8" };
  const send = (status: number, body: unknown): number => {
    sendAnswer(response, { status, headers, body });
    return status;
  };
  switch (fault.kind) {
    case "5xx":
      return send(fault.status ?? 502, { message: "Server Error" });
    case "graphql-502":
      return send(502, { data: null, errors: [{ message: wentWrong }] });
    case "unresolved-node": {
      const nodeId = (answer?.body as { node_id?: unknown } | undefined)?.node_id;
      const message = `Could not resolve to a node with the global id of '${typeof nodeId === "string" ? nodeId : "PR_kwDO"}'.`;
      return send(422, {
        message: "Validation Failed",
        errors: [message],
        documentation_url: "https://docs.github.com/rest",
        status: "422",
      });
    }
    case "limited": {
      const { status, retryAfterSeconds } = fault.refusal ?? { status: 403 };
      const wait = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
      sendAnswer(response, { status, headers: { ...headers, ...wait }, body: limitedBody(status) });
      return status;
    }
    case "timeout":
      return 0;
    case "reset":
      response.socket?.resetAndDestroy();
      return 0;
    case "truncated": {
      const text = JSON.stringify(answer?.body ?? {});
      response.writeHead(answer?.status ?? 200, { ...headers, "content-length": String(Buffer.byteLength(text)) });
      response.write(text.slice(0, Math.floor(text.length / 2)), () => response.socket?.destroy());
      return answer?.status ?? 200;
    }
    case "slow":
    case "graphql-partial":
      throw new Error(`A ${fault.kind} fault leaves the answer whole.`);
  }
}

function limitedBody(status: LimitedAnswer["status"]): unknown {
  if (status === 200) return { errors: [{ message: slowDown }] };
  const errors = [{ resource: "PullRequest", code: "custom", field: "data", message: "was submitted too quickly" }];
  const said = status === 422 ? { message: "Validation Failed", errors } : { message: slowDown };
  return { ...said, documentation_url: "https://docs.github.com/rest", status: String(status) };
}

/** What GraphQL says when it cannot say what went wrong. */
export const wentWrong =
  "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.";
