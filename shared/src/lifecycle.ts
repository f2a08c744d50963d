/** A state: a status and the data that belongs to it. */
export interface Stateful {
  readonly status: string;
}

/** A fact about an entity: what was seen to have happened, with its particulars. */
export interface Factual {
  readonly fact: string;
}

type StateOf<State extends Stateful, Status extends State["status"]> = Extract<State, { readonly status: Status }>;
/** The fact of that name, with its particulars. */
export type FactOf<Fact extends Factual, Name extends Fact["fact"]> = Extract<Fact, { readonly fact: Name }>;

/** Where a fact leads, and how the new state's data comes from the old state and the fact. */
export interface Transition<From, Seen, To extends Stateful> {
  readonly to: To["status"];
  readonly state: (from: From, seen: Seen) => To;
  /** The fact counts only when this holds; otherwise it is an echo. */
  readonly when?: (from: From, seen: Seen) => boolean;
}

/** For each status, the facts that move it. A fact that is absent is an echo: late, doubled or out of order. */
export type Lifecycle<State extends Stateful, Fact extends Factual> = {
  readonly [Status in State["status"]]: {
    readonly [Name in Fact["fact"]]?: Transition<StateOf<State, Status>, FactOf<Fact, Name>, State>;
  };
};

/** The state after a fact, or undefined when the fact is an echo. */
export function advance<State extends Stateful, Fact extends Factual>(
  lifecycle: Lifecycle<State, Fact>,
  state: State,
  fact: Fact,
): State | undefined {
  // The table's type ties each row to its own status and fact; TypeScript cannot follow that through an index by value.
  const rows = lifecycle[state.status as State["status"]] as Record<string, Transition<State, Fact, State> | undefined>;
  const transition = rows[fact.fact];
  if (transition === undefined || transition.when?.(state, fact) === false) return undefined;
  return transition.state(state, fact);
}

/** The table as Markdown, for docs/lifecycle.md. */
export function describeLifecycle<State extends Stateful, Fact extends Factual>(
  title: string,
  lifecycle: Lifecycle<State, Fact>,
): string {
  const rows = Object.entries(lifecycle).flatMap(([status, transitions]) => {
    // Object.entries forgets the mapped type's value type.
    const entries = Object.entries(transitions as Record<string, { to: string; when?: unknown }>);
    if (entries.length === 0) return [`| ${status} | | (final) |`];
    return entries.map(([fact, { to, when }]) => `| ${status} | ${fact}${when ? ", under a condition" : ""} | ${to} |`);
  });
  return [`## ${title}`, "", "| status | fact | becomes |", "|---|---|---|", ...rows, ""].join("\n");
}
