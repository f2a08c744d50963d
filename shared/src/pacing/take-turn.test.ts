import { describe, expect, test } from "vitest";
import { afterMs, aPullRequest, aRequest, mostWithin } from "../testing/pacing-world.ts";
import { giveBack, wordOf } from "./give-back.ts";
import { githubLimits } from "./limits.ts";
import { newState, type PacingState } from "./pacing-state.ts";
import { askFor, takeTurn } from "./take-turn.ts";

const limits = githubLimits({ contentPerMinute: 20, contentPerHour: 60 });
const minute = 60_000;

/** Requests one after another, each of another length; answers when each began and ended. */
function slowRequests(state: PacingState, toMs: number): [beganMs: number, endedMs: number][] {
  const made: [number, number][] = [];
  let atMs = 0;
  while (atMs < toMs) {
    const id = `${made.length}`;
    const decision = takeTurn(state, askFor(limits, aPullRequest, id, afterMs(atMs)));
    if (decision.kind === "wait") atMs = decision.until - afterMs(0).getTime();
    else {
      const endedMs = atMs + ((made.length * 7919) % 9000);
      giveBack(state, id, wordOf({}, afterMs(endedMs)));
      made.push([atMs, endedMs]);
      atMs = endedMs;
    }
  }
  return made;
}

describe("a turn", () => {
  test("keeps the limits whenever between its beginning and its end GitHub counts the request", () => {
    const made = slowRequests(newState(0), 4 * 60 * minute);
    expect(made.length).toBeGreaterThan(200);
    const countings = [0, 1, 0.5, 0.1].map((share) => made.map(([began, ended]) => began + share * (ended - began)));
    const alternating = made.map(([began, ended], index) => (index % 2 === 0 ? began : ended));
    for (const counted of [...countings, alternating]) {
      expect(mostWithin(counted, minute)).toBeLessThanOrEqual(20);
      expect(mostWithin(counted, 60 * minute)).toBeLessThanOrEqual(60);
    }
  });

  test("leaves a state that stays small and can be kept as JSON", () => {
    const state = newState(0);
    for (let made = 0; made < 20_000; made += 1) {
      const at = afterMs(70 * made);
      takeTurn(state, askFor(limits, aRequest(), `${made}`, at));
      giveBack(state, `${made}`, wordOf({}, at));
    }
    const json = JSON.stringify(state);
    expect(json.length).toBeLessThan(4000);
    expect(JSON.parse(json)).toEqual(state);
  });

  test("for more than a limit is had when nothing else uses it", () => {
    const narrow = { ...limits, windows: limits.windows.map((window) => ({ ...window, limit: 3 })) };
    const write = aRequest({ kind: "write" });
    const state = newState(0);
    expect(takeTurn(state, askFor(narrow, write, "a", afterMs(0)))).toEqual({ kind: "go" });
    giveBack(state, "a", wordOf({}, afterMs(0)));
    const decision = takeTurn(state, askFor(narrow, write, "b", afterMs(1)));
    if (decision.kind === "go") throw new Error("There was a turn, where none should be.");
    expect(takeTurn(state, askFor(narrow, write, "b", new Date(decision.until)))).toEqual({ kind: "go" });
  });
});
