import { context, propagation } from "@opentelemetry/api";
import type { Clock } from "#shared/ports/clock.ts";
import type { EventBus } from "#shared/ports/event-bus.ts";
import type { Task } from "#shared/task/task.ts";
import type { ReleaseLimits, TaskStore } from "#shared/task/task-store.ts";
import type { Logger } from "./logger.ts";

/** How long handing a task to the broker may take before somebody else tries. */
const releaseLeaseMs = 30_000;

/** How soon after the broker took tasks that is written down, for all of them together: well within the time above. */
const noteAfterMs = 1_000;

/** How long the broker may take to get a task to a function before it is sent again. */
const sentLeaseMs = 2 * 60_000;

/** How soon a task is tried again that the broker did not take. */
const refusedDelayMs = 5_000;

/**
 * Announces the tasks that are due. Every function kicks it after its work; the tick does too, for whatever was missed.
 */
export interface Dispatcher {
  /** Releases what is due, now and until nothing more is. Kicking it while it works makes it look once more. */
  kick(): void;
  /** Resolves when nothing is being released, and what the broker took is written down. */
  idle(): Promise<void>;
}

export function createDispatcher(options: {
  readonly tasks: Pick<TaskStore, "claimDue" | "sent" | "notSent">;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly limits: ReleaseLimits;
  /** The CloudEvents source. */
  readonly source: string;
  readonly log: Logger;
}): Dispatcher {
  const { tasks, bus, clock, limits, source, log } = options;
  let asked = false;
  let running: Promise<void> | undefined;
  /** What the broker took, until that is written down. A task that is lost with it is sent again. */
  const taken = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let noting: Promise<void> = Promise.resolve();

  async function announce(task: Task): Promise<void> {
    const extensions: Record<string, string> = {};
    propagation.inject(context.active(), extensions);
    try {
      await bus.publish({
        id: task.id,
        source,
        type: task.type,
        subject: task.subject,
        time: clock.now(),
        data: task.data,
        extensions,
      });
    } catch (error) {
      log.warn({ task: task.id, type: task.type, err: error }, "the broker did not take an event; it is sent again");
      const because = error instanceof Error ? error.message : String(error);
      await tasks.notSent([task.id], new Date(clock.now().getTime() + refusedDelayMs), because);
      return;
    }
    taken.add(task.id);
    timer ??= setTimeout(() => void note(), noteAfterMs).unref();
  }

  function note(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const ids = [...taken];
    taken.clear();
    if (ids.length > 0) {
      noting = noting
        .then(() => tasks.sent(ids, clock.now(), sentLeaseMs))
        .catch((error: unknown) => {
          log.error(
            { err: error, tasks: ids.length },
            "that the broker took events was not noted; they are sent again",
          );
        });
    }
    return noting;
  }

  async function releaseAll(): Promise<void> {
    while (asked) {
      asked = false;
      try {
        const claimed = await tasks.claimDue(limits, clock.now(), releaseLeaseMs);
        // What is claimed anew was begun meanwhile, and is not with the broker yet.
        for (const { id } of claimed) taken.delete(id);
        await Promise.all(claimed.map(announce));
      } catch (error) {
        // The tick comes back to it; there is nobody to tell but the log.
        log.error({ err: error }, "tasks could not be released");
      }
    }
  }

  return {
    kick() {
      asked = true;
      running ??= releaseAll().finally(() => {
        running = undefined;
        if (asked) this.kick();
      });
    },
    async idle() {
      // Kicked while it worked, it runs again.
      for (let current = running; current !== undefined; current = running) await current;
      await note();
    },
  };
}
