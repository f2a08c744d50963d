import { statfs } from "node:fs/promises";
import { launchStep, type StepLaunch, type StepPlace } from "./launch-step.ts";
import { createStepLog } from "./step-log.ts";
import type { Redactor } from "./redactor.ts";

export interface StepEnd {
  readonly end: "exited" | "timed-out";
  /** 128 and the signal's number when a signal ended it, as a shell says it. */
  readonly exitCode: number;
  readonly log: Buffer;
  readonly logTruncated: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** The limit it ran into, where that can be known. */
  readonly exhausted: "memory" | "disk" | undefined;
}

/** Left on a volume that counts as full: less than any file needs. */
const fullBytes = 64 << 10;

/**
 * Runs one step to its end. Its processes end with it, those it left behind included; a timeout ends the enclosure, with
 * everything in it.
 */
export async function runStep(
  place: StepPlace,
  step: StepLaunch & { readonly timeoutMs: number; readonly logBytes: number },
  redactor: Redactor,
): Promise<StepEnd> {
  const killsBefore = (await place.controlGroup?.memoryKills()) ?? 0;
  const log = createStepLog(redactor, step.logBytes);
  const child = await launchStep(place, step);
  child.stdout?.on("data", (chunk: Buffer) => log.write("stdout", chunk));
  child.stderr?.on("data", (chunk: Buffer) => log.write("stderr", chunk));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child.pid);
    void place.enclosure.destroy();
  }, step.timeoutMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      // Without namespaces a daemon would keep the pipes open for ever; with them it is gone already.
      child.once("exit", () => {
        if (place.isolation === "none") killGroup(child.pid);
      });
      child.once("close", (exitCode) => resolve(exitCode));
    });
    if (!timedOut) await place.enclosure.settle();
    const exitCode = code ?? 137;
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

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
