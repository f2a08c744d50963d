import { join } from "node:path";
import type { Clock } from "#shared/ports/clock.ts";
import { gatherSettings, settingsOfUser } from "./gather-settings.ts";
import type { HostView } from "./host-view.ts";
import type { IsolationKind } from "./isolation.ts";
import { nameOfPrograms, nameOfSettings } from "./programs.ts";
import { removeAll } from "./remove-all.ts";
import type { StepUser } from "./step-mounts.ts";

/** What a machine gives to the steps of one transform, from its first to its last. */
export interface Given {
  /** Names it, see `nameOfPrograms`. */
  readonly programs: string;
  /** What a step of that user sees of the machine. */
  viewFor(user: StepUser): Promise<HostView>;
  /** To be called once, when no step runs with it any more. */
  release(): void;
}

/** The settings of the machine as they once were. */
interface Settings {
  readonly name: string;
  readonly view: HostView;
  /** With a user's own settings. */
  readonly views: Map<number, Promise<HostView>>;
  readonly places: string[];
  transforms: number;
}

/** How long it takes until somebody notices that a program or a setting of this machine was replaced. */
const rememberedMs = 60_000;

const mostCopies = 3;

/**
 * Finds what steps are given. Settings are copied when they have changed, see {@link gatherSettings}; what was copied before is
 * removed when the last transform that has it has released it.
 *
 * @throws Error when the settings cannot be copied, or change whenever they are.
 */
export function lookAtMachine(options: {
  readonly isolation: IsolationKind;
  readonly whole: HostView;
  /** Where copies are made. */
  readonly directory: string;
  readonly clock: Clock;
}): () => Promise<Given> {
  const { isolation, whole, directory, clock } = options;
  let current: Settings | undefined;
  let copies = 0;
  const newPlace = (): string => join(directory, `etc-${(copies += 1)}`);

  async function look(): Promise<{ readonly programs: string; readonly settings: Settings }> {
    const settings = isolation === "none" ? unchanged : await settingsNow();
    return { programs: await nameOfPrograms(isolation, whole, settings.name), settings };
  }

  const unchanged: Settings = { name: "", view: whole, views: new Map(), places: [], transforms: 0 };

  async function settingsNow(): Promise<Settings> {
    for (let attempt = 0; attempt < mostCopies; attempt += 1) {
      const name = await nameOfSettings(whole);
      if (current?.name === name) return current;
      const place = newPlace();
      const copied: Settings = { name, view: whole, views: new Map(), places: [place], transforms: 0 };
      try {
        const view = await gatherSettings(whole, place);
        // It has that name if nothing has changed while it was copied.
        if ((await nameOfSettings(whole)) === name) {
          const before = current;
          current = { ...copied, view };
          if (before !== undefined) dropUnused(before);
          return current;
        }
      } catch (error) {
        await removeAll(place);
        throw error;
      }
      await removeAll(place);
    }
    throw new Error("The settings of this machine change all the time; steps cannot be shown a copy of them.");
  }

  function dropUnused(settings: Settings): void {
    if (settings === current || settings.transforms > 0) return;
    // What cannot be removed now goes with the directory in which all of them are.
    for (const place of settings.places.splice(0)) void removeAll(place).catch(() => undefined);
  }

  function viewFor(settings: Settings, user: StepUser): Promise<HostView> {
    const known = settings.views.get(user.id);
    if (known !== undefined) return known;
    const place = newPlace();
    settings.places.push(place);
    const view = settingsOfUser(settings.view, user, place);
    settings.views.set(user.id, view);
    view.catch(() => settings.views.delete(user.id));
    return view;
  }

  const seen = rememberFor(rememberedMs, clock, look);
  return async () => {
    const { programs, settings } = await seen();
    settings.transforms += 1;
    return {
      programs,
      viewFor: async (user) => (isolation === "none" ? whole : viewFor(settings, user)),
      release() {
        settings.transforms -= 1;
        dropUnused(settings);
      },
    };
  };
}

function rememberFor<T>(ms: number, clock: Clock, find: () => Promise<T>): () => Promise<T> {
  let found: { readonly value: Promise<T>; readonly until: number } | undefined;
  return () => {
    const now = clock.now().getTime();
    if (found === undefined || now >= found.until) {
      const value = find();
      found = { value, until: now + ms };
      value.catch(() => (found = undefined));
    }
    return found.value;
  };
}
