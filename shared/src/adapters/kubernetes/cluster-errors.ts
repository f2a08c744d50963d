import { Unprocessable } from "#shared/errors.ts";
import { SandboxUnavailable } from "#shared/ports/sandbox.ts";

/** What the cluster would do at another time: it has no room in its quota now. */
export class QuotaExceeded extends Error {
  override readonly name = "QuotaExceeded";
}

/** The HTTP status of an answer that was no success; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
}

/**
 * What an error of the cluster means to whoever asked for something.
 * @param what What was asked for, in the infinitive.
 */
export function judge(what: string, namespace: string, cause: unknown): Error {
  const status = statusOf(cause);
  const said = saidBy(cause);
  if (status === undefined) {
    return new SandboxUnavailable(`The cluster does not answer: it was to ${what}. ${said}`, { cause });
  }
  if (status === 403 && said.includes("exceeded quota")) {
    return new QuotaExceeded(`The quota of the namespace ${namespace} is used up: ${said}`, { cause });
  }
  // Webhooks and policies answer with a status of their own choice, mostly 400 or 403.
  if (status === 422 || status === 400 || /denied the request|denied request|ValidatingAdmissionPolicy/.test(said)) {
    return new Unprocessable(`The cluster refuses to ${what}: ${said}`, { cause });
  }
  if (status === 401 || status === 403) {
    const remedy = `Give this function's service account the Role in the namespace ${namespace}: see knative/README.md.`;
    return new SandboxUnavailable(`The cluster does not let us ${what}: ${said} ${remedy}`, { cause });
  }
  if (status === 404) {
    return new SandboxUnavailable(`The cluster cannot ${what}: ${said} Is there a namespace ${namespace}?`, { cause });
  }
  return new SandboxUnavailable(`The cluster failed to ${what} (status ${status}): ${said}`, { cause });
}

/** The message of a Status, or what kept an answer from coming. */
function saidBy(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("body" in error) {
    const body = typeof error.body === "string" ? parsed(error.body) : error.body;
    if (typeof body === "object" && body !== null && "message" in body && typeof body.message === "string") {
      return `${body.message.slice(0, 1000)}.`;
    }
  }
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.message.split("\n")[0]}${cause}.`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
