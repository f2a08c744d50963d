import type { AnyEventType, EventType } from "#eventing/event-type.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import type { TokenRole } from "#shared/tokens/token-role.ts";
import type { CapabilityName, Granted } from "./capabilities.ts";

/** What came of handling an event; the reasons are logged, and shown to people where a task has one. */
export type Outcome =
  | {
      readonly did: string;
      /** It has finished its task itself, in the transaction that wrote what it did. */
      readonly isFinished?: true;
    }
  /** There was nothing to do. */
  | { readonly left: string }
  /** It goes on elsewhere: whoever ends it finishes the task, and adds what follows; it is looked at again after this time. */
  | { readonly awaiting: string; readonly recheckAfterMs: number };

/** What functions of both kinds say of themselves. */
interface Described {
  readonly name: string;
  /** As whom it asks for GitHub's tokens, if it does: that bounds what it can do there. */
  readonly tokenRole?: TokenRole;
}

/** A function that reacts to one type of event. */
export interface EventFunction extends Described {
  readonly kind: "event";
  readonly on: AnyEventType;
  readonly needs: readonly CapabilityName[];
  readonly handle: (data: unknown, capabilities: Granted<CapabilityName>, event: BusEvent) => Promise<Outcome>;
}

/** A function that answers HTTP requests. */
export interface HttpFunction extends Described {
  readonly kind: "http";
  readonly needs: readonly CapabilityName[];
  readonly routes: (capabilities: Granted<CapabilityName>) => (request: Request) => Promise<Response>;
}

export type OctobatchFunction = EventFunction | HttpFunction;

/**
 * Defines a function that reacts to events.
 *
 * @param definition.name The verb and noun of its folder, and the name of its service.
 * @param definition.on The event; its data is parsed before `handle` sees it.
 * @param definition.needs What it may touch: leave one out and it does not compile.
 * @param definition.tokenRole What it may do on GitHub, when it needs something that asks GitHub.
 * @param definition.handle May be called twice for the same event, and says why that is safe.
 */
export function defineFunction<Data, const Names extends CapabilityName>(
  definition: Described & {
    readonly on: EventType<Data>;
    readonly needs: readonly Names[];
    readonly handle: (data: Data, capabilities: Granted<Names>, event: BusEvent) => Promise<Outcome>;
  },
): EventFunction {
  const { handle, ...described } = definition;
  return {
    kind: "event",
    ...described,
    // The runtime hands over exactly what `on` parsed and `needs` names; a list of functions cannot carry each one's types.
    handle: handle as EventFunction["handle"],
  };
}

/** Defines a function that answers HTTP requests with what `routes` makes of its capabilities. */
export function defineHttpFunction<const Names extends CapabilityName>(
  definition: Described & {
    readonly needs: readonly Names[];
    readonly routes: (capabilities: Granted<Names>) => (request: Request) => Promise<Response>;
  },
): HttpFunction {
  // As above: the runtime hands over exactly what `needs` names.
  return { kind: "http", ...definition };
}
