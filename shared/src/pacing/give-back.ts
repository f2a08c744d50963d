import type { PacedOutcome, PacedResource } from "../ports/pacing.ts";
import { advance, endTurn, windowOf, type PacingState } from "./pacing-state.ts";

/** What GitHub said, as plain data. */
export interface Word {
  readonly now: number;
  readonly budget?: {
    readonly resource: PacedResource;
    readonly limit: number;
    readonly remaining: number;
    readonly resetAt: number;
  };
  /** `until` is 0 where GitHub named no time. */
  readonly slowDown?: { readonly until: number };
  /** The shortest cooldown without a time, and the longest. */
  readonly shortestMs: number;
  readonly longestMs: number;
  /** How long a limit counts as lowered before it is tried again. */
  readonly believedForMs: number;
  /** Resets as near to each other as this are the same one. */
  readonly sameResetMs: number;
}

export function wordOf({ budget, slowDown }: PacedOutcome, now: Date): Word {
  return {
    now: now.getTime(),
    ...(budget && { budget: { ...budget, resetAt: budget.resetAt.getTime() } }),
    ...(slowDown && { slowDown: { until: slowDown.until?.getTime() ?? 0 } }),
    shortestMs: 60_000,
    longestMs: 3_600_000,
    believedForMs: 3_600_000,
    sameResetMs: 10_000,
  };
}

/**
 * Ends a turn and learns what GitHub said. A turn that is not under way (given back before, lost, or forgotten) ends
 * nothing; what GitHub said is learnt all the same, since learning it twice changes nothing.
 */
export function giveBack(state: PacingState, id: string, word: Word): void {
  advance(state, word.now);
  const turn = state.turns[id];
  if (turn !== undefined) {
    endTurn(state, id, turn, state.now, word.budget?.resource === turn.resource);
    state.heard[turn.resource] = true;
  }
  if (word.budget !== undefined) learnBudget(state, word.budget, word.sameResetMs);
  if (word.slowDown !== undefined) {
    slowDown(state, word, word.slowDown.until, turn?.takenAt);
    lower(state, turn?.contentWindows ?? [], word.believedForMs);
  }
  if (word.slowDown === undefined && turn !== undefined && turn.takenAt >= state.cooldown.until)
    state.cooldown.probing = false;
}

/** Answers overtake each other: of those with one reset the least that remains is the latest. An earlier reset is past. */
function learnBudget(state: PacingState, told: NonNullable<Word["budget"]>, sameResetMs: number): void {
  const { resource, limit, remaining, resetAt } = told;
  const known = state.budgets[resource];
  if (known === undefined || known.resetAt <= state.now || resetAt > known.resetAt + sameResetMs) {
    state.budgets[resource] = { limit, remaining, resetAt };
  } else if (resetAt >= known.resetAt - sameResetMs) {
    state.budgets[resource] = {
      limit,
      remaining: Math.min(known.remaining, remaining),
      resetAt: Math.max(known.resetAt, resetAt),
    };
  }
}

/** A request from before the cooldown's end that is refused too belongs to it; one from afterwards makes the next longer. */
function slowDown(state: PacingState, word: Word, until: number, takenAt: number | undefined): void {
  const { cooldown, now } = state;
  cooldown.probing = true;
  if (until > 0) {
    cooldown.until = Math.max(cooldown.until, until);
    return;
  }
  if (cooldown.until > now) return;
  const soon = now <= cooldown.until + cooldown.lengthMs;
  const again = takenAt !== undefined && takenAt >= cooldown.until && soon;
  cooldown.lengthMs = again ? Math.min(2 * cooldown.lengthMs, word.longestMs) : word.shortestMs;
  cooldown.until = now + cooldown.lengthMs;
}

/**
 * New content was refused, though there was room as far as we know: GitHub allows less. What was created within the
 * shortest stretch is taken for its limit; where nothing else was, it must be the next longer one that is full.
 */
function lower(state: PacingState, contentWindows: readonly string[], believedForMs: number): void {
  for (const name of contentWindows) {
    // The refused one is among them.
    const created = windowOf(state, name).used - 1;
    if (created < 1) continue;
    state.lowered = { ...state.lowered, [name]: { limit: created, until: state.now + believedForMs } };
    return;
  }
}
