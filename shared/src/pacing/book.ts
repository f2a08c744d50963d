import type { PacedErrand } from "../ports/pacing.ts";
import { writePoints, type PacingLimits } from "./limits.ts";
import { advance, limitOf, windowOf, type Booking, type PacingState } from "./pacing-state.ts";
import { leavesAt, roomAt } from "./sliding-window.ts";
import type { Decision } from "./take-turn.ts";

/** A question for an appointment as plain data, with the limits that concern it: what every adapter decides on. */
export interface ErrandAsk {
  readonly now: number;
  /** Its requests, and the share of the primary budget that they leave to others. */
  readonly requests: number;
  readonly keep: number;
  readonly points: number;
  readonly contents: number;
  readonly windows: readonly ErrandWindow[];
  /** Appointments are made for so long ahead: those who never come keep nobody waiting for longer. */
  readonly aheadMs: number;
}

interface ErrandWindow {
  readonly name: string;
  readonly lengthMs: number;
  readonly limit: number;
  readonly counts: "points" | "content";
}

/** @throws RangeError when a number of requests is not a whole one of at least 0. */
export function errandFor(limits: PacingLimits, errand: PacedErrand, now: Date): ErrandAsk {
  const { reads, writes, contents } = errand;
  for (const [name, value] of Object.entries({ reads, writes, contents })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`An errand has ${value} ${name}; give a whole number of at least 0.`);
    }
  }
  return {
    now: now.getTime(),
    requests: reads + writes,
    keep: limits.keep.publishWrite,
    points: reads + writePoints * writes,
    contents,
    windows: limits.windows.flatMap(({ name, lengthMs, limit, resources, counts }) =>
      resources.includes("core") && counts !== "requests" ? [{ name, lengthMs, limit, counts }] : [],
    ),
    aheadMs: 5 * 60_000,
  };
}

/**
 * Makes an appointment unless there is room now. adapters/redis/pacing.lua decides the same, line by line; a test holds
 * the two together.
 */
export function book(state: PacingState, ask: ErrandAsk): Decision {
  advance(state, ask.now);
  const { now, cooldown } = state;
  const budget = state.budgets.core;
  const bookings = (state.bookings ?? []).filter(([at]) => at > now);
  state.bookings = bookings;
  const blocked = [{ gate: "now", until: now }];
  if (cooldown.until > now) blocked.push({ gate: "cooldown", until: cooldown.until });
  if (budget !== undefined && budget.resetAt > now) {
    const left = budget.remaining - Math.floor(budget.limit * ask.keep);
    if (left < ask.requests) blocked.push({ gate: "budget", until: budget.resetAt });
  }
  const rooms = (appointments: readonly Booking[]) =>
    ask.windows.map((window) => ({ gate: window.name, until: roomWith(state, appointments, window, ask) }));
  const first = latest([...blocked, ...rooms([])]);
  // Room that is there now is whoever's comes: those with later appointments have theirs later.
  if (first.until <= now) return { kind: "go" };
  const free = latest([first, ...rooms(bookings)]);
  const horizon = now + ask.aheadMs;
  if (free.until > horizon) return { kind: "wait", gate: free.gate, until: Math.max(horizon, first.until) };
  bookings.push([free.until, ask.points, ask.contents]);
  return { kind: "wait", ...free };
}

/** The first instant with room in a window, if everybody with an appointment comes. */
function roomWith(state: PacingState, bookings: readonly Booking[], window: ErrandWindow, ask: ErrandAsk): number {
  const { name, lengthMs, counts } = window;
  const amount = counts === "points" ? ask.points : ask.contents;
  if (amount === 0) return state.now;
  const { used, leaving } = windowOf(state, name);
  const expected = bookings.map(([at, points, contents]): [number, number] => [
    leavesAt(at, lengthMs),
    counts === "points" ? points : contents,
  ]);
  const all = {
    used: expected.reduce((sum, [, each]) => sum + each, used),
    leaving: [...leaving, ...expected].toSorted(([a], [b]) => a - b),
  };
  return roomAt(all, amount, limitOf(state, window), state.now, lengthMs);
}

/** Of several that open at the same time, the first. */
function latest(gates: readonly { readonly gate: string; readonly until: number }[]) {
  return gates.reduce((a, b) => (b.until > a.until ? b : a));
}
