import { context, propagation, SpanStatusCode, trace } from "@opentelemetry/api";
import { CampaignHeld } from "#shared/campaign/campaign-store.ts";
import { Conflict, Rejected, RetryLater, Unprocessable } from "#shared/errors.ts";
import { ScannerUnavailable } from "#shared/ports/artifact-scanner.ts";
import { BlobStoreUnavailable } from "#shared/ports/blob-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { SandboxUnavailable } from "#shared/ports/sandbox.ts";
import type { BegunTask, TaskStore } from "#shared/task/task-store.ts";
import type { CapabilityName, Granted } from "./capabilities.ts";
import type { EventFunction, Outcome } from "./define-function.ts";
import type { Logger } from "./logger.ts";

/** What the HTTP answer tells the broker: 202 it is taken care of, 422 never again, 500 deliver it again. */
export interface Verdict {
  readonly status: 202 | 422 | 500;
  readonly because: string;
  /** Nothing has become due by it and no place has become free: there is nothing to release. */
  readonly releasesNothing?: true;
}

/** Longer than any function may take: Knative ends a request after 300 s. */
const runLeaseMs = 5 * 60_000;

/** The broker delivers again within minutes; after this the table does. */
const failedLeaseMs = 10 * 60_000;

/** How often a function that lost a race reads again before it is put off. */
const conflictRetries = 5;

/** After this many failures in a row a task is dead: about four hours. */
export const maxFailures = 25;

/**
 * Handles one event: begins its task unless there is nothing to do, runs the function, and writes down what came of it.
 * Safe to call twice, at the same time too: a task is begun by one caller at a time, and functions may be repeated.
 */
export function createEventHandler(options: {
  readonly definition: EventFunction;
  readonly capabilities: Granted<CapabilityName>;
  readonly tasks: TaskStore;
  readonly clock: Clock;
  readonly log: Logger;
}): (event: BusEvent) => Promise<Verdict> {
  const { definition, capabilities, tasks, clock } = options;
  const tracer = trace.getTracer("octobatch");

  async function run(event: BusEvent, log: Logger): Promise<Outcome> {
    const parsed = definition.on.schema.safeParse(event.data);
    if (!parsed.success) {
      throw new Unprocessable(
        `The data of ${event.type} is not what ${definition.name} expects: ${parsed.error.message}`,
      );
    }
    for (let tried = 1; ; tried += 1) {
      try {
        return await definition.handle(parsed.data, { ...capabilities, log }, event);
      } catch (error) {
        if (!(error instanceof Conflict) || tried === conflictRetries) throw error;
        log.debug({ because: error.message }, "lost a race; reading again");
      }
    }
  }

  return async (event) => {
    const log = options.log.child({ function: definition.name, event: event.id, ...idsOf(event) });
    const task = definition.on.hasTask ? await tasks.begin(event.id, clock.now(), runLeaseMs) : undefined;
    if (definition.on.hasTask && task === undefined) {
      log.debug("nothing to do: the task is finished, waits, or somebody is at it");
      return { status: 202, because: "nothing to do", releasesNothing: true };
    }
    if (task !== undefined && task.type !== definition.on.type) {
      log.error({ type: task.type }, "left alone: the event carries the id of another type's task");
      await tasks.postpone(task, clock.now(), "an event of another type came with its id", clock.now());
      return { status: 202, because: "nothing to do" };
    }
    const parent = propagation.extract(context.active(), event.extensions ?? {});
    return tracer.startActiveSpan(definition.name, {}, parent, async (span): Promise<Verdict> => {
      try {
        const outcome = await run(event, log);
        log.info(outcome);
        if (task !== undefined) await settle(tasks, task, outcome, clock);
        // It keeps its place.
        return { status: 202, because: "done", ...("awaiting" in outcome && { releasesNothing: true }) };
      } catch (error) {
        const verdict = judge(error, task, clock);
        const because = messageOf(error);
        log[verdict.kind === "later" ? "info" : verdict.kind === "retry" ? "warn" : "error"](
          { err: error, verdict: verdict.kind },
          because,
        );
        span.setStatus({ code: SpanStatusCode.ERROR, message: because });
        if (verdict.kind === "later" || verdict.kind === "retry") {
          if (task === undefined) return { status: 500, because };
          const putOff = verdict.kind === "later" ? "postpone" : "retry";
          await tasks[putOff](task, verdict.at, because, clock.now());
          return { status: 202, because };
        }
        if (task !== undefined) await tasks.failed(task, because, clock.now(), failedLeaseMs);
        return { status: verdict.kind === "never" ? 422 : 500, because };
      } finally {
        span.end();
      }
    });
  };
}

async function settle(tasks: TaskStore, task: BegunTask, outcome: Outcome, clock: Clock): Promise<void> {
  if ("isFinished" in outcome) return;
  if ("awaiting" in outcome) await tasks.awaitOutcome(task, outcome.awaiting, clock.now(), outcome.recheckAfterMs);
  else await tasks.finish(task, clock.now());
}

type Judgement =
  /** It waits for its turn; nothing has gone wrong. */
  | { readonly kind: "later"; readonly at: Date }
  /** Something is out of order elsewhere; that many times in a row is too often. */
  | { readonly kind: "retry"; readonly at: Date }
  | { readonly kind: "never" }
  | { readonly kind: "unexpected" };

/** How an error steers delivery. What other systems cause is waited for in the table, not in the broker. */
function judge(error: unknown, task: BegunTask | undefined, clock: Clock): Judgement {
  if (error instanceof RetryLater) return { kind: "later", at: error.at };
  if (error instanceof CodeHostBusy) return { kind: "later", at: error.retryAt };
  // It is not released before somebody resumes the campaign.
  if (error instanceof CampaignHeld) return { kind: "later", at: clock.now() };
  if (error instanceof Conflict || isOutOfOrder(error)) {
    const failures = (task?.failures ?? 0) + 1;
    if (failures >= maxFailures) return { kind: "never" };
    return { kind: "retry", at: soon(clock, backoffMs(failures)) };
  }
  if (error instanceof Unprocessable || error instanceof Rejected || error instanceof CodeHostRefused) {
    return { kind: "never" };
  }
  return { kind: "unexpected" };
}

/** Another system does not work now, and nobody here can do anything about it. */
function isOutOfOrder(error: unknown): boolean {
  return (
    error instanceof CodeHostUnavailable ||
    error instanceof SandboxUnavailable ||
    error instanceof BlobStoreUnavailable ||
    error instanceof ScannerUnavailable
  );
}

/** 1 s after the first failure, doubling to 15 minutes. */
function backoffMs(failures: number): number {
  return Math.min(1_000 * 2 ** (failures - 1), 15 * 60_000);
}

function soon(clock: Clock, ms: number): Date {
  return new Date(clock.now().getTime() + ms);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The ids that an event's data names, so that every log line can be found by them. */
function idsOf({ id, data }: BusEvent): Readonly<Record<string, unknown>> {
  const known = new Set(["campaign", "run", "executionId", "changesetId"]);
  const named = typeof data === "object" && data !== null ? Object.entries(data) : [];
  return { task: id, ...Object.fromEntries(named.filter(([name]) => known.has(name))) };
}
