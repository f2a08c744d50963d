import type { TransformJob } from "#shared/ports/sandbox.ts";
import { stepsThatMayRun } from "#shared/transform/progress.ts";
import { inPrivate, subPaths } from "../pod-layout.ts";
import { openStepChannel, type StepChannel } from "./step-channel.ts";

/** The containers of the steps, in the order in which the kubelet starts them, and the last one of the pod behind them. */
export interface StepLine {
  /** Resolves when it is this step's turn and its container is there. Those before it that were not called are let pass. */
  callUp(step: number): Promise<StepChannel>;
  /** Resolves when the container after that of a step is there. */
  nextIsThere(step: number): Promise<void>;
  /**
   * Lets all that are left pass, and the pod end: well, or as failed. It waits for none of them: when a `conduct` before
   * this one has died, some have said that they are there already, to nobody. A step that still runs is ended.
   */
  letAllGo(how: "done" | "failed"): Promise<void>;
}

interface Place {
  /** For the last container of the pod, the index after the last step. */
  readonly step: number;
  readonly channel: StepChannel;
}

/** @param controlOf The directory with the pipes of a step. */
export async function openStepLine(
  job: TransformJob,
  controlOf = (step: number): string => inPrivate(subPaths.control(step)),
): Promise<StepLine> {
  const places: Place[] = [];
  for (const step of [...stepsThatMayRun(job), job.steps.length]) {
    places.push({ step, channel: await openStepChannel(controlOf(step)) });
  }
  let next = 0;

  async function passUpTo(step: number): Promise<StepChannel> {
    for (;;) {
      const place = places[next];
      if (place === undefined || place.step > step) throw new RangeError(`Step ${step} has no container to come.`);
      next += 1;
      await place.channel.arrived();
      if (place.step === step) return place.channel;
      await place.channel.go("skip");
    }
  }

  return {
    callUp: passUpTo,
    async nextIsThere(step) {
      await places.find((place) => place.step > step)?.channel.arrived();
    },
    async letAllGo(how) {
      const left = places.slice(next);
      next = places.length;
      for (const { step, channel } of left) {
        await channel.go(step === job.steps.length ? how : "skip");
        await channel.over();
      }
    },
  };
}
