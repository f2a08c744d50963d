import { randomUUID } from "node:crypto";
import { book, errandFor } from "../../pacing/book.ts";
import { answerOf, appointmentOf } from "../../pacing/explain.ts";
import { giveBack, wordOf } from "../../pacing/give-back.ts";
import type { PacingLimits } from "../../pacing/limits.ts";
import { loseTurns, newState, type PacingState } from "../../pacing/pacing-state.ts";
import { askFor, takeTurn } from "../../pacing/take-turn.ts";
import type { Pacing } from "../../ports/pacing.ts";

/** What several budgets in one process can share. */
export type PacingMemory = Map<string, PacingState>;

export function pacingMemory(): PacingMemory {
  return new Map();
}

/** A budget within one process, for tests. */
export function createMemoryPacing(limits: PacingLimits, states: PacingMemory = pacingMemory()): Pacing {
  function stateOf(installation: string, now: Date): PacingState {
    const state = states.get(installation) ?? newState(now.getTime());
    states.set(installation, state);
    return state;
  }
  return {
    async take(installation, request, now) {
      const id = randomUUID();
      const decision = takeTurn(stateOf(installation, now), askFor(limits, request, id, now));
      return answerOf(decision, { id, installation }, request, limits);
    },
    async done({ id, installation }, outcome, now) {
      giveBack(stateOf(installation, now), id, wordOf(outcome, now));
    },
    async book(installation, errand, now) {
      return appointmentOf(book(stateOf(installation, now), errandFor(limits, errand, now)), limits);
    },
    async loseAllTurns(now) {
      for (const state of states.values()) loseTurns(state, now.getTime());
    },
    async check() {},
  };
}
