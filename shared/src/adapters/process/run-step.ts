import { statfs } from "node:fs/promises";
import { launchStep, type StepLaunch, type StepPlace } from "./launch-step.ts";
import type { StepEnd } from "#shared/transform/progress.ts";
import type { Redactor } from "#shared/transform/redactor.ts";
import { createStepLog } from "#shared/transform/step-log.ts";

/** How a step ended, with all that is kept of what it printed. */
export interface StepRun extends Omit<StepEnd, "durationMs" | "logKey"> {
  readonly log: Buffer;
}

/** Left on a volume that counts as full: less than any file needs. */
const fullBytes = 64 << 10;

/**
 * Runs one step to its end. Its processes end with it, those it left behind included; a timeout ends the enclosure, with
 * everything in it.
 */
export async function runStep(
  place: StepPlace,
  step: StepLaunch & {
    readonly timeoutMs: number;
    readonly logBytes: number;
    /** See {@link createStepLog}. */
    readonly show?: ((bytes: Uint8Array) => void) | undefined;
    /** Aborted when nobody wants the result any more: the step is ended, also where no enclosure ends it. */
    readonly signal?: AbortSignal | undefined;
  },
  redactor: Redactor,
): Promise<StepRun> {
  const killsBefore = (await place.controlGroup?.memoryKills()) ?? 0;
  const log = createStepLog(redactor, step.logBytes, step.show);
  const launched = launchStep(place, step, (stream, chunk) => {
    if (log.isFull(stream)) return;
    log.write(stream, chunk);
    if (log.isFull(stream)) launched.mute(stream);
  });
  // Without namespaces a daemon would keep the output open for ever; with them it is gone already.
  if (place.isolation === "none") void launched.exited.then(() => launched.kill());
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    launched.kill();
    void place.enclosure.destroy();
  }, step.timeoutMs);
  const giveUp = (): void => launched.kill();
  step.signal?.addEventListener("abort", giveUp);
  if (step.signal?.aborted === true) giveUp();
  try {
    const exitCode = (await launched.closed) ?? 137;
    if (!timedOut) await place.enclosure.settle();
    const { log: bytes, truncated, stdout, stderr } = log.finish();
    const exhausted = exitCode === 0 || timedOut ? undefined : await exhaustedLimit(place, killsBefore);
    return {
      end: timedOut ? "timed-out" : "exited",
      exitCode,
      log: bytes,
      logTruncated: truncated,
      stdout,
      stderr,
      exhausted,
    };
  } finally {
    clearTimeout(timer);
    step.signal?.removeEventListener("abort", giveUp);
  }
}

async function exhaustedLimit(place: StepPlace, killsBefore: number): Promise<"memory" | "disk" | undefined> {
  if (((await place.controlGroup?.memoryKills()) ?? 0) > killsBefore) return "memory";
  if (place.isolation === "none") return undefined;
  // Gone when the step was cancelled, and then nobody asks.
  const volume = await statfs(place.enclosure.volumeFromHere).catch(() => undefined);
  if (volume === undefined) return undefined;
  return volume.bavail * volume.bsize < fullBytes || volume.ffree === 0 ? "disk" : undefined;
}
