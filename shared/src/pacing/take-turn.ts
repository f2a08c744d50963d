import type { PacedRequest } from "../ports/pacing.ts";
import { writePoints, type PacingLimits, type PacingWindow } from "./limits.ts";
import { advance, queueOf, windowOf, type PacingState, type Queue, limitOf } from "./pacing-state.ts";
import { roomAt } from "./sliding-window.ts";

/** One question for a turn as plain data, with the limits that concern it: what every adapter decides on. */
export interface Ask {
  readonly id: string;
  readonly now: number;
  readonly leaseMs: number;
  readonly resource: PacedRequest["resource"];
  readonly urgency: PacedRequest["urgency"];
  readonly cost: number;
  readonly write: boolean;
  readonly content: boolean;
  readonly concurrent: PacingLimits["concurrent"];
  /** The share of the primary budget that it leaves to others. */
  readonly keep: number;
  readonly charges: readonly Charge[];
  /** Those of them that count new content, the shortest first. */
  readonly contentWindows: readonly string[];
  /** Ask again after this long where only what is under way stands in the way. */
  readonly againMs: number;
  /** How long a waiter may be late before others take its place. */
  readonly graceMs: number;
  /** People pass publications so often, then it is the other way round. */
  readonly passes: number;
}

interface Charge {
  readonly name: string;
  readonly lengthMs: number;
  readonly limit: number;
  readonly amount: number;
}

/** `gate` is what had no room: a window's name, or a word that `because` of explain.ts knows. */
export type Decision =
  { readonly kind: "go" } | { readonly kind: "wait"; readonly until: number; readonly gate: string };

/** @throws RangeError when the cost is not a whole number of at least 0. */
export function askFor(limits: PacingLimits, request: PacedRequest, id: string, now: Date): Ask {
  if (!Number.isSafeInteger(request.cost) || request.cost < 0) {
    throw new RangeError(`A request's cost is ${request.cost}; give a whole number of at least 0.`);
  }
  const write = request.kind === "write";
  return {
    id,
    now: now.getTime(),
    leaseMs: limits.leaseMs,
    resource: request.resource,
    urgency: request.urgency,
    cost: request.cost,
    write,
    content: request.createsContent,
    concurrent: limits.concurrent,
    keep: keepOf(limits, request),
    charges: limits.windows
      .filter(
        ({ resources, counts }) =>
          resources.includes(request.resource) && (counts !== "content" || request.createsContent),
      )
      .map((window) => ({
        name: window.name,
        lengthMs: window.lengthMs,
        limit: capOf(limits, window, request),
        amount: window.counts === "points" && write ? writePoints : 1,
      })),
    contentWindows: limits.windows
      .filter(({ counts }) => counts === "content" && request.createsContent)
      .toSorted((a, b) => a.lengthMs - b.lengthMs)
      .map(({ name }) => name),
    againMs: 250,
    graceMs: 1000,
    passes: 4,
  };
}

function keepOf({ keep }: PacingLimits, { urgency, kind }: PacedRequest): number {
  if (urgency === "interactive") return 0;
  if (urgency === "sweep") return keep.sweep;
  return kind === "write" ? keep.publishWrite : keep.publishRead;
}

function capOf({ keep }: PacingLimits, { limit, counts }: PacingWindow, { urgency }: PacedRequest): number {
  return counts === "points" && urgency === "sweep" ? Math.max(1, Math.floor(limit * (1 - keep.sweep))) : limit;
}

/**
 * Takes a turn, or names the gate that opens last and when. Every gate is looked at, so that there is room at that time.
 * adapters/redis/pacing.lua decides the same, line by line; a test holds the two together.
 */
export function takeTurn(state: PacingState, ask: Ask): Decision {
  advance(state, ask.now);
  const rooms = [...roomsAtOnce(state, ask), ...roomsInTime(state, ask)];
  const closed = [...told(state, ask), ...shared(state, ask, rooms)];
  const last = closed.reduce<Gate | undefined>((a, b) => (a === undefined || b.until > a.until ? b : a), undefined);
  if (last !== undefined) return { kind: "wait", ...last };
  leaveQueues(
    state,
    ask,
    rooms.map(({ gate }) => gate),
  );
  for (const { name, amount } of ask.charges) windowOf(state, name).used += amount;
  state.turns[ask.id] = {
    resource: ask.resource,
    cost: ask.cost,
    write: ask.write,
    content: ask.content,
    takenAt: state.now,
    leaseAt: state.now + ask.leaseMs,
    contentWindows: ask.contentWindows,
    charges: ask.charges.map(({ name, lengthMs, amount }) => [name, lengthMs, amount]),
  };
  return { kind: "go" };
}

interface Gate {
  readonly gate: string;
  readonly until: number;
}

/** What GitHub told: its cooldown, and the primary budget. */
function told(state: PacingState, ask: Ask): Gate[] {
  const { now, cooldown } = state;
  const turns = Object.values(state.turns);
  const same = turns.filter(({ resource }) => resource === ask.resource);
  const again = { gate: "answer", until: now + ask.againMs };
  const closed: Gate[] = [];
  if (cooldown.until > now) closed.push({ gate: "cooldown", until: cooldown.until });
  else if (cooldown.probing && turns.some(({ takenAt }) => takenAt >= cooldown.until)) closed.push(again);
  if (state.heard[ask.resource] !== true && same.length > 0) closed.push(again);
  const budget = state.budgets[ask.resource];
  if (budget !== undefined && budget.resetAt > now) {
    const kept = Math.floor(budget.limit * ask.keep);
    const need = Math.min(ask.cost, Math.max(0, budget.limit - kept));
    // An answer may have counted what is under way already, or not: until it is back, it counts once more.
    const underWay = same.reduce((sum, { cost }) => sum + cost, 0);
    if (budget.remaining - kept < need) closed.push({ gate: "budget", until: budget.resetAt });
    else if (budget.remaining - kept - underWay < need) closed.push(again);
  }
  return closed;
}

/** What others use up to a limit, and who of them comes first where it is used up. */
function shared(state: PacingState, ask: Ask, rooms: readonly Gate[]): Gate[] {
  const closed: Gate[] = [];
  for (const { gate, until } of rooms) {
    const queue = queueOf(state, gate);
    const othersUntil = othersComeFirstUntil(queue, ask, state.now);
    if (othersUntil > state.now) closed.push({ gate: "turn", until: othersUntil });
    if (until <= state.now) continue;
    closed.push({ gate, until });
    if (ask.urgency !== "sweep") queue[ask.urgency] = Math.max(queue[ask.urgency], until + ask.graceMs);
  }
  return closed;
}

function roomsAtOnce(state: PacingState, { concurrent, write, content, againMs }: Ask): Gate[] {
  const turns = Object.values(state.turns);
  const room = (gate: string, taken: number, limit: number) => ({
    gate,
    until: taken < limit ? state.now : state.now + againMs,
  });
  const rest = Math.max(1, concurrent.serverRequests - concurrent.requests);
  const rooms = [room("requests at once", turns.length, state.unsureUntil > state.now ? rest : concurrent.requests)];
  const writes = turns.filter((turn) => turn.write);
  if (write) rooms.push(room("writes at once", writes.length, concurrent.writes));
  const contents = turns.filter((turn) => turn.content);
  if (content) rooms.push(room("new contents at once", contents.length, concurrent.content));
  return rooms;
}

function roomsInTime(state: PacingState, { charges }: Ask): Gate[] {
  return charges.map(({ name, lengthMs, limit, amount }) => ({
    gate: name,
    until: roomAt(windowOf(state, name), amount, limitOf(state, { name, limit }), state.now, lengthMs),
  }));
}

/** People who wait come first, then publications, then sweeps; after so many passes a publication comes before people. */
function othersComeFirstUntil(queue: Queue, { urgency, passes }: Ask, now: number): number {
  const publicationsFirst = queue.publish > now && queue.passed >= passes;
  if (urgency === "interactive") return publicationsFirst ? queue.publish : now;
  if (urgency === "publish") return publicationsFirst ? now : queue.interactive;
  return Math.max(queue.interactive, queue.publish);
}

/** It waits no longer, at any gate it came through. */
function leaveQueues(state: PacingState, { urgency }: Ask, gates: readonly string[]): void {
  for (const gate of gates) {
    const queue = queueOf(state, gate);
    if (urgency === "interactive") queue.passed = queue.publish > state.now ? queue.passed + 1 : 0;
    if (urgency === "publish") queue.passed = 0;
    if (urgency !== "sweep") queue[urgency] = 0;
  }
}
