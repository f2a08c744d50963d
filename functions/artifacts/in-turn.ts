import type { Turnstile } from "#shared/artifacts/turnstile.ts";
import { Denied } from "./answer-error.ts";

/** Waits for a turn; what it answers has to be called when it is over. @throws Denied when too many wait already. */
export async function turnAt(turnstile: Turnstile): Promise<() => void> {
  const leave = await turnstile.enter();
  if (leave === undefined) throw new Denied("busy", "Too many Jobs ask for this at once. Try again.");
  return leave;
}

/** Does the work when its turn has come. @throws Denied when too many wait already. */
export async function inTurn<Result>(turnstile: Turnstile, work: () => Promise<Result>): Promise<Result> {
  const leave = await turnAt(turnstile);
  try {
    return await work();
  } finally {
    leave();
  }
}
