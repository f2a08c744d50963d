import { readdirSync } from "node:fs";
import { join } from "node:path";
import { TransformFailed } from "#shared/transform/transform-failed.ts";
import { stepDirectory, type StepPlace } from "./launch-step.ts";
import { removeAll } from "./remove-all.ts";
import { runCommand } from "./run-command.ts";

const removalMs = 60_000;

/**
 * Removes what a step had for itself. Its /tmp ends with it: it counts against the disk limit, and a Job's step would have
 * its own.
 *
 * @throws TransformFailed when that takes longer than a minute; the enclosure has ended then.
 */
export async function forgetStep(place: StepPlace, index: number): Promise<void> {
  const here = stepDirectory(place.enclosure.volumeFromHere, index);
  if (leftNothing(here)) {
    await removeAll(here);
    return;
  }
  // In there: it may be very much, and closed to us, but not to who is root in there.
  const { timedOut } = await runCommand(
    {
      argv: ["rm", "-rf", "--", stepDirectory(place.enclosure.volume, index)],
      environment: { PATH: "/usr/bin:/bin" },
      timeoutMs: removalMs,
      maxOutputBytes: 1 << 16,
    },
    place.enclosure.enter,
  );
  if (!timedOut) return;
  const message = `Step ${index + 1} left so much in /tmp and /dev/shm that it could not be removed in ${removalMs / 1000} s. Have the step remove what it does not need.`;
  throw new TransformFailed("limit", message, { step: index });
}

function leftNothing(directory: string): boolean {
  try {
    return ["tmp", "shm"].every((name) => readdirSync(join(directory, name)).length === 0);
  } catch {
    return false;
  }
}
