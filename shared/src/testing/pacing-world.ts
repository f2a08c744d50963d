import type { PacedOutcome, PacedRequest, PacedTurn, Pacing, PacingAnswer } from "../ports/pacing.ts";

/** When the tests of pacing begin; every time in them is so many milliseconds later. */
export const pacingStart = new Date("2026-03-01T08:00:00.000Z");

export function afterMs(ms: number): Date {
  return new Date(pacingStart.getTime() + ms);
}

export function aRequest(changes: Partial<PacedRequest> = {}): PacedRequest {
  return { resource: "core", cost: 1, kind: "read", createsContent: false, urgency: "interactive", ...changes };
}

export const aPullRequest = aRequest({ kind: "write", createsContent: true, urgency: "publish" });

export function isGo(answer: PacingAnswer): answer is Extract<PacingAnswer, { kind: "go" }> {
  return answer.kind === "go";
}

/** @throws Error with the reason to wait when there is no turn. */
export async function mustTake(
  pacing: Pacing,
  installation: string,
  request: PacedRequest,
  at: Date,
): Promise<PacedTurn> {
  const answer = await pacing.take(installation, request, at);
  if (isGo(answer)) return answer.turn;
  throw new Error(`No turn before ${answer.until.toISOString()}: ${answer.because}`);
}

/** @throws Error when there is a turn. */
export async function mustWait(pacing: Pacing, installation: string, request: PacedRequest, at: Date) {
  const answer = await pacing.take(installation, request, at);
  if (isGo(answer)) throw new Error("There was a turn, where none should be.");
  return { untilMs: answer.until.getTime() - pacingStart.getTime(), because: answer.because };
}

/** One whole request that takes no time. */
export async function makeRequest(
  pacing: Pacing,
  installation: string,
  request: PacedRequest,
  at: Date,
  outcome: PacedOutcome = {},
) {
  await pacing.done(await mustTake(pacing, installation, request, at), outcome, at);
}

/** Some who ask for turns of their own, at a common virtual time, each through a connection of its own. */
export interface Crowd {
  readonly pacings: readonly Pacing[];
  readonly installation: string;
  readonly request: PacedRequest;
  readonly fromMs?: number;
  readonly toMs: number;
  /** What GitHub says to a request; nothing by default. */
  readonly answers?: (atMs: number) => PacedOutcome;
}

/**
 * Everybody makes requests one after another, as fast as the turns come, and asks again when told to. Answers when the
 * requests were made. Time passes only when nobody has a turn.
 */
export async function crowd({ pacings, installation, request, fromMs = 0, toMs, answers }: Crowd): Promise<number[]> {
  const made: number[] = [];
  let nowMs = fromMs;
  let waitsUntil = pacings.map(() => fromMs);
  while (nowMs < toMs) {
    const at = nowMs;
    waitsUntil = await Promise.all(
      pacings.map(async (pacing, index) => {
        const until = waitsUntil[index] ?? at;
        if (until > at) return until;
        const answer = await pacing.take(installation, request, afterMs(at));
        if (!isGo(answer)) return answer.until.getTime() - pacingStart.getTime();
        made.push(at);
        await pacing.done(answer.turn, answers?.(at) ?? {}, afterMs(at));
        return at;
      }),
    );
    nowMs = Math.min(...waitsUntil);
  }
  return made;
}

/** The most that ever fell into one stretch of this length, its ends included. */
export function mostWithin(atMs: readonly number[], lengthMs: number): number {
  const sorted = atMs.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [last, at] of sorted.entries()) {
    while ((sorted[first] ?? at) < at - lengthMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
