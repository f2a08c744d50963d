import { deadLettered } from "#eventing/dead-letter.ts";
import { ticked } from "#eventing/tick.ts";
import { defineFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { giveUp, isHopeless } from "#shared/task/give-up.ts";

/**
 * Keeps what the broker gave up on, and gives its task up when it cannot be done, where people see both.
 *
 * Safe to deliver twice: a letter is kept once, and a task that is final stays as it is.
 */
export const bury = defineFunction({
  name: "bury",
  on: deadLettered,
  needs: ["runs", "executions", "changesets", "tasks", "deadLetters", "clock"],
  async handle(_, { tasks, clock, transact }, event) {
    if (event.type === ticked.type) return { left: "the next tick does all that this one would have done" };
    const {
      knativeerrorcode: errorCode,
      knativeerrordata: errorData,
      knativeerrordest: destination,
    } = event.extensions ?? {};
    const letter = {
      eventId: event.id,
      source: event.source,
      type: event.type,
      event,
      receivedAt: clock.now(),
      ...(errorCode === undefined ? {} : { errorCode }),
      ...(errorData === undefined ? {} : { errorData: textOf(errorData) }),
      ...(destination === undefined ? {} : { destination }),
    };
    const task = await tasks.find(event.id);
    const hopeless = task !== undefined && isHopeless(task, errorCode);
    await transact(async (stores) => {
      await stores.deadLetters.add(letter);
      if (!hopeless) return;
      const because = task.because ?? `its delivery failed with ${errorCode ?? "no answer"}`;
      await giveUp(stores, task, because, clock.now());
    });
    return { did: hopeless ? `gave up ${task.type} of ${task.subject}` : "kept a letter; its task, if any, goes on" };
  },
});

/** What the function answered, as text that Postgres can keep: NUL it cannot. */
function textOf(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8").replaceAll("\0", "\uFFFD");
}

if (import.meta.main) await serve(bury);
