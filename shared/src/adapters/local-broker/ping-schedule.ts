import { randomUUID } from "node:crypto";
import { Cron } from "croner";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { InvalidManifest, type PingSource } from "./manifests.ts";
import type { Timers } from "./timers.ts";

/** The only type that a PingSource sends; `ceOverrides` changes extensions only. */
const pingType = "dev.knative.sources.ping";

/** Knative spreads its pings over this much. */
const maxJitterMs = 500;

/** setTimeout takes at most 24.8 days; a longer wait is made of several. */
const longestWaitMs = 24 * 60 * 60 * 1000;

export interface PingOptions {
  readonly timers: Timers;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly emit: (event: BusEvent) => void;
}

/**
 * Emits the events of a PingSource until the returned function is called. As in Knative, what was missed while nothing
 * ran is not caught up, and a ping does not wait for the one before.
 * @throws InvalidManifest when the schedule, the time zone or the data cannot be read.
 */
export function startPinging(source: PingSource, { timers, random, emit }: PingOptions): () => void {
  const { schedule, timezone = "UTC", ceOverrides } = source.spec;
  const name = `PingSource ${source.metadata.namespace}/${source.metadata.name}`;
  const data = read(`${name}: data`, () =>
    source.spec.data === undefined ? undefined : (JSON.parse(source.spec.data) as unknown),
  );
  const cron = read(`${name}: schedule ${schedule} (${timezone})`, () => {
    const parsed = new Cron(schedule, { timezone, mode: "5-or-6-parts", paused: true });
    // An unknown time zone shows itself only here.
    parsed.nextRun(timers.now());
    return parsed;
  });
  const waits = new Set<() => void>();
  const after = (delayMs: number, run: () => void): void => {
    const cancel = timers.after(delayMs, () => {
      waits.delete(cancel);
      run();
    });
    waits.add(cancel);
  };

  function ping(): void {
    emit({
      id: randomUUID(),
      source: `/apis/v1/namespaces/${source.metadata.namespace}/pingsources/${source.metadata.name}`,
      type: pingType,
      time: timers.now(),
      data,
      ...(ceOverrides === undefined ? {} : { extensions: ceOverrides.extensions }),
    });
  }

  function waitForNext(from: Date): void {
    const next = cron.nextRun(from);
    if (next === null) return;
    const delayMs = next.getTime() - timers.now().getTime();
    if (delayMs > longestWaitMs) return after(longestWaitMs, () => waitForNext(timers.now()));
    after(Math.max(0, delayMs), () => {
      after(random() * maxJitterMs, ping);
      // Timers may fire a little early: from the planned instant, the same one is not found again.
      waitForNext(new Date(Math.max(next.getTime(), timers.now().getTime())));
    });
  }

  waitForNext(timers.now());
  return () => waits.forEach((cancel) => cancel());
}

function read<Result>(what: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidManifest(`${what} cannot be read: ${detail}`, { cause });
  }
}
