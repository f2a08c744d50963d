import { InvalidEvent, readEvent } from "#shared/adapters/knative/cloud-events.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TaskStore } from "#shared/task/task-store.ts";
import type { CapabilityName, Granted } from "./capabilities.ts";
import type { HttpFunction, OctobatchFunction } from "./define-function.ts";
import { createEventHandler } from "./handle-event.ts";
import type { Logger } from "./logger.ts";
import { readBody } from "./read-body.ts";

/** A function as it answers HTTP: events or requests at any path, its health at /healthz and /readyz. */
export type Endpoint = (request: Request) => Promise<Response>;

/** No event is larger: brokers carry 1 MiB at the most. */
const maxBodyBytes = 1024 * 1024;

export function createEndpoint(options: {
  readonly definition: OctobatchFunction;
  readonly capabilities: Granted<CapabilityName>;
  readonly tasks: TaskStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly checks: ReadonlyMap<string, () => Promise<void>>;
  /** Called after each request that may have made something due, or have freed a place for it. */
  readonly afterwards: () => void;
}): Endpoint {
  const { definition, clock, checks } = options;
  const answer =
    definition.kind === "http"
      ? answerRequests({ ...options, definition })
      : answerEvents(createEventHandler({ ...options, definition }), options);
  // Without Postgres a function can do nothing; while another part is down it still writes down what has to wait.
  const vitalChecks = new Map([...checks].filter(([name]) => name === "postgres"));
  const allChecks = new Map([...checks].map(([name, check]) => [name, remembering(check, clock)]));
  return async (request) => {
    const probe = request.method === "GET" ? new URL(request.url).pathname : "";
    if (probe === "/healthz") return health(allChecks);
    if (probe === "/readyz") return health(vitalChecks);
    return answer(request);
  };
}

function answerRequests(options: {
  readonly definition: HttpFunction;
  readonly capabilities: Granted<CapabilityName>;
  readonly afterwards: () => void;
}): Endpoint {
  const { definition, capabilities, afterwards } = options;
  const answer = definition.routes(capabilities);
  // Who has no tasks adds none, and reading adds none either.
  const mayAddTasks = definition.needs.includes("tasks");
  return async (request) => {
    try {
      return await answer(request);
    } finally {
      if (mayAddTasks && !["GET", "HEAD"].includes(request.method)) afterwards();
    }
  };
}

/** Anybody may ask how it is, and some checks ask GitHub: so often at most. */
const checkedForMs = 15_000;

function remembering(check: () => Promise<void>, clock: Clock): () => Promise<void> {
  let last: { readonly atMs: number; readonly outcome: Promise<void> } | undefined;
  return () => {
    const nowMs = clock.now().getTime();
    if (last === undefined || nowMs - last.atMs >= checkedForMs) last = { atMs: nowMs, outcome: check() };
    return last.outcome;
  };
}

/** An empty body, always: Knative takes a non-empty one that is no event for a failure. */
function answerEvents(
  handle: ReturnType<typeof createEventHandler>,
  options: { readonly clock: Clock; readonly log: Logger; readonly afterwards: () => void },
): Endpoint {
  const { clock, log, afterwards } = options;
  return async (request) => {
    if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
    try {
      const body = await readBody(request, maxBodyBytes);
      if (body === undefined) return new Response(null, { status: 413 });
      const event = readEvent({ headers: Object.fromEntries(request.headers), body }, clock.now());
      const { status, releasesNothing } = await handle(event);
      if (releasesNothing !== true) afterwards();
      return new Response(null, { status });
    } catch (error) {
      if (error instanceof InvalidEvent) {
        log.error({ err: error }, "refused what is no event");
        return new Response(null, { status: 400 });
      }
      log.error({ err: error }, "an event could not be handled");
      afterwards();
      return new Response(null, { status: 500 });
    }
  };
}

/** 200 when all that the function needs works, otherwise 503; the body says which does not, and why. */
async function health(checks: ReadonlyMap<string, () => Promise<void>>): Promise<Response> {
  const results = await Promise.all(
    [...checks].map(async ([name, check]) => {
      try {
        await check();
        return [name, "ok"] as const;
      } catch (error) {
        return [name, error instanceof Error ? error.message : String(error)] as const;
      }
    }),
  );
  const healthy = results.every(([, state]) => state === "ok");
  return Response.json(Object.fromEntries(results), { status: healthy ? 200 : 503 });
}
