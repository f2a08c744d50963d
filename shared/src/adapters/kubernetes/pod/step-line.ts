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
  /** Lets all that are left pass, and the pod end: well, or as failed. */
  letAllGo(how: "done" | "failed"): Promise<void>;
}

interface Place {
  /** For the last container of the pod, the index after the last step. */
  readonly step: number;
  readonly channel: StepChannel;
}

export async function openStepLine(job: TransformJob): Promise<StepLine> {
  const places: Place[] = [];
  for (const step of [...stepsThatMayRun(job), job.steps.length]) {
    places.push({ step, channel: await openStepChannel(inPrivate(subPaths.control(step))) });
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
      const last = await passUpTo(job.steps.length);
      await last.go(how);
    },
  };
}
