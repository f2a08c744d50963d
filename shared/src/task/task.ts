import type { EventType } from "#eventing/event-type.ts";
import { hashOf } from "#shared/hash.ts";

/** Something that has to happen: announced by an event of its type, as often as it takes. */
export interface Task {
  /** A UUID; also the id of the event that announces it. */
  readonly id: string;
  /** The CloudEvents type. */
  readonly type: string;
  readonly campaign?: string;
  /** Whose share of the back-pressure it takes. */
  readonly organization: string;
  readonly subject: string;
  readonly data: unknown;
  readonly state: TaskState;
  readonly notBefore: Date;
  /** How often it was begun. */
  readonly attempts: number;
  /** How many attempts in a row went wrong. Waiting for its turn is none. */
  readonly failures: number;
  /** Why it waits, or what its last attempt died of. */
  readonly because?: string;
}

/**
 * `due`: to be announced once `notBefore` has come. `releasing`: being handed to the broker. `sent`: the broker has it.
 * `running`: a function is at it. `awaiting`: its function waits for something that runs elsewhere. In these four the
 * task has a lease, after which it counts as lost and is due again. `done`, `dead` and `cancelled` are final.
 */
export type TaskState = "due" | "releasing" | "sent" | "running" | "awaiting" | "done" | "dead" | "cancelled";

export interface NewTask {
  readonly id: string;
  readonly type: string;
  readonly dedupeKey: string;
  readonly campaign?: string;
  readonly organization: string;
  readonly subject: string;
  readonly data: unknown;
  readonly notBefore: Date;
}

/**
 * The task that an event of this type announces.
 *
 * @param dedupe What makes it the same task as another, beside type and subject: asking for the same one twice gives one.
 */
export function taskFor<Data>(
  event: EventType<Data>,
  data: Data,
  where: {
    readonly campaign?: string;
    readonly organization: string;
    readonly notBefore: Date;
    readonly dedupe: readonly (string | number)[];
  },
): NewTask {
  const subject = event.subject(data);
  const dedupeKey = taskKey(event, subject, where.dedupe);
  return {
    id: uuidFrom(dedupeKey),
    type: event.type,
    dedupeKey,
    ...(where.campaign === undefined ? {} : { campaign: where.campaign }),
    organization: where.organization.toLowerCase(),
    subject,
    data,
    notBefore: where.notBefore,
  };
}

/** The key under which a task is stored once. */
function taskKey(event: { readonly type: string }, subject: string, dedupe: readonly (string | number)[]): string {
  return hashOf(event.type, subject, ...dedupe);
}

/** A UUID of version 8 (RFC 9562, section 5.8) made of a hash. */
function uuidFrom(hash: string): string {
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join("-");
}
