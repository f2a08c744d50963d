import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { ControlGroup } from "./control-groups.ts";
import { openDirectory, openEnclosure, type Enclosure } from "./enclosure.ts";
import { isRoot, stepUser } from "./isolation.ts";
import type { StepPlace } from "./launch-step.ts";
import type { Slots } from "./slots.ts";
import type { Given } from "./given.ts";
import type { Machine } from "./survey-machine.ts";

/** Where a transform runs its steps: a slot of this machine, with a user and a control group of its own, and an enclosure. */
export interface Seat {
  /** Resolves when it has a slot, or the signal has come. */
  take(): Promise<void>;
  /** @throws Error when it has no slot, since the signal has come; whatever `openEnclosure` throws. */
  open(): Promise<StepPlace>;
  /** Ends everything in it, so that whoever works there fails and leaves. */
  clear(): Promise<void>;
  /** Clears it, and only then gives the slot to the next one. Leaving it twice changes nothing. */
  leave(): Promise<void>;
}

export function createSeat(options: {
  readonly slots: Slots;
  readonly machine: Pick<Machine, "isolation" | "seccompFile">;
  readonly given: Pick<Given, "viewFor">;
  /** An existing directory, closed to others. */
  readonly directory: string;
  readonly limits: TransformJob["limits"];
  readonly controlGroup: (slot: number) => Promise<ControlGroup | undefined>;
  /** Told when it has to wait for a slot, and when it does so no longer. */
  readonly waits: (isWaiting: boolean) => void;
  readonly signal: AbortSignal;
}): Seat {
  const { slots, machine, directory, limits, waits, signal } = options;
  let slot: number | undefined;
  let enclosure: Enclosure | undefined;

  async function enclose(controlGroups: readonly string[] | undefined): Promise<Enclosure> {
    if (machine.isolation === "none") return openDirectory({ directory });
    return openEnclosure({
      directory,
      volumeBytes: limits.diskBytes,
      asRoot: isRoot(),
      ...(controlGroups && { controlGroups }),
    });
  }

  const clear = async (): Promise<void> => enclosure?.destroy();

  return {
    clear,
    async take() {
      if (slots.isFull()) waits(true);
      slot = await slots.take(signal);
      waits(false);
    },
    async open() {
      if (slot === undefined) throw new Error("the transform was cancelled while it waited");
      const isolated = machine.isolation !== "none";
      const user = isolated ? stepUser(slot) : ({ kind: "mapped", id: 1000 } as const);
      const controlGroup = isolated ? await options.controlGroup(slot) : undefined;
      enclosure = await enclose(controlGroup?.procsFiles);
      // Whoever cleared it a moment ago found nothing.
      if (signal.aborted) await clear();
      return {
        isolation: machine.isolation,
        enclosure,
        view: await options.given.viewFor(user),
        seccompFile: machine.seccompFile,
        user,
        controlGroup,
        objectsDirectory: undefined,
        directory: "",
      };
    },
    async leave() {
      await clear();
      if (slot !== undefined) slots.give(slot);
      slot = undefined;
    },
  };
}
