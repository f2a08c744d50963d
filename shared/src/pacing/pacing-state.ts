import type { PacedResource } from "../ports/pacing.ts";
import { letLeave, startLeaving, type SlidingWindow } from "./sliding-window.ts";

/** What an installation has used and what it was told. Plain JSON; instants in milliseconds. Changed in place. */
export interface PacingState {
  /** The latest time that anybody told. */
  now: number;
  /** Requests may be under way that this state never saw, until then. 0: there are none. */
  unsureUntil: number;
  /** By a window's name. */
  windows: Record<string, SlidingWindow>;
  /** The requests under way, by their turn's id. */
  turns: Record<string, HeldTurn>;
  /** The primary budgets that answers told. */
  budgets: Partial<Record<PacedResource, PrimaryBudget>>;
  /** Resources of which an answer has come; before, requests go one at a time. */
  heard: Partial<Record<PacedResource, boolean>>;
  cooldown: Cooldown;
  /** Who waits for what, by the gate's name. */
  queues: Record<string, Queue>;
  /** Windows that GitHub showed to be smaller than we were told, until when that is believed. */
  lowered?: Record<string, { readonly limit: number; readonly until: number }>;
  /** Who is expected when, in the order of asking. Left out while nobody is. */
  bookings?: Booking[];
}

/** An appointment: [instant in ms, points, contents]. */
export type Booking = readonly [at: number, points: number, contents: number];

export interface HeldTurn {
  readonly resource: PacedResource;
  readonly cost: number;
  readonly write: boolean;
  readonly content: boolean;
  readonly takenAt: number;
  readonly leaseAt: number;
  /** The windows of new content that it counts in, the shortest first. */
  readonly contentWindows: readonly string[];
  /** [window's name, its length in ms, how much]. */
  readonly charges: readonly (readonly [name: string, lengthMs: number, amount: number])[];
}

export interface PrimaryBudget {
  limit: number;
  remaining: number;
  resetAt: number;
}

export interface Cooldown {
  until: number;
  /** How long the last one without a time was; another is twice as long if it comes soon. */
  lengthMs: number;
  /** Nobody knows yet whether it is over for GitHub too: one request goes first. */
  probing: boolean;
}

/** Until when people and publications that wait are expected back; `passed`: turns people took while publications waited. */
export interface Queue {
  interactive: number;
  publish: number;
  passed: number;
}

export function newState(now: number): PacingState {
  return {
    now,
    unsureUntil: 0,
    windows: {},
    turns: {},
    budgets: {},
    heard: {},
    cooldown: { until: 0, lengthMs: 0, probing: false },
    queues: {},
  };
}

/** Brings the state to `now`, or to the latest time it knows: lost turns end with their lease, and old uses leave. */
export function advance(state: PacingState, now: number): void {
  state.now = Math.max(state.now, now);
  const lost = Object.entries(state.turns).filter(([, { leaseAt }]) => leaseAt <= state.now);
  for (const [id, turn] of lost.toSorted(([a, x], [b, y]) => x.leaseAt - y.leaseAt || (a < b ? -1 : 1))) {
    endTurn(state, id, turn, turn.leaseAt, false);
  }
  for (const window of Object.values(state.windows)) letLeave(window, state.now);
}

/** Ends all turns that are under way, as lost. */
export function loseTurns(state: PacingState, now: number): void {
  advance(state, now);
  for (const [id, turn] of Object.entries(state.turns)) endTurn(state, id, turn, state.now, false);
}

/** Ends a turn. Without a word of GitHub on its budget, its cost counts as spent until the next answer tells. */
export function endTurn(state: PacingState, id: string, turn: HeldTurn, at: number, told: boolean): void {
  delete state.turns[id];
  for (const [name, lengthMs, amount] of turn.charges) startLeaving(windowOf(state, name), amount, at, lengthMs);
  const budget = state.budgets[turn.resource];
  if (budget !== undefined && !told) budget.remaining = Math.max(0, budget.remaining - turn.cost);
}

export function windowOf(state: PacingState, name: string): SlidingWindow {
  return (state.windows[name] ??= { used: 0, leaving: [] });
}

export function queueOf(state: PacingState, gate: string): Queue {
  return (state.queues[gate] ??= { interactive: 0, publish: 0, passed: 0 });
}

/** What a window holds: what we were told, or what GitHub showed lately if that is less. */
export function limitOf(
  state: PacingState,
  { name, limit }: { readonly name: string; readonly limit: number },
): number {
  const lowered = state.lowered?.[name];
  return lowered !== undefined && lowered.until > state.now ? Math.min(limit, lowered.limit) : limit;
}
