import type { SandboxStep } from "#shared/ports/sandbox.ts";
import {
  cacheKeyOf,
  decodeCachedStep,
  encodeCachedStep,
  keyWithFiles,
  type CachedStep,
  type StepCache,
} from "./step-cache.ts";
import type { StepInputs } from "./step-inputs.ts";

/** What the cache has for the steps of one transform, one after the other. */
export interface CachedSteps {
  /** Goes on to a step that is to run. */
  enter(step: SandboxStep, inputs: StepInputs): void;
  /** What the step came to before, if that is known; with `files` only where they were asked for then. */
  find(withFiles: boolean): Promise<CachedStep | undefined>;
  /** Keeps what the step came to now. Keeping it twice changes nothing. */
  keep(cached: CachedStep): Promise<void>;
  /** Whether anything is kept at all: where not, nobody need look closely at what a step did. */
  isKept(): boolean;
}

/**
 * @param firstKey See `firstCacheKey`.
 * @param isNamed Whether a step says all that it runs with. From the first on that does not, nothing is found or kept.
 */
export function createCachedSteps(
  cache: StepCache,
  firstKey: string,
  isNamed: (step: SandboxStep) => boolean,
): CachedSteps {
  let key = firstKey;
  let allNamed = true;

  async function read(at: string): Promise<CachedStep | undefined> {
    const bytes = await cache.get(at);
    if (bytes === undefined) return undefined;
    // What another version wrote, or a broken disk, is as good as nothing.
    return decodeCachedStep(bytes).catch(() => undefined);
  }

  return {
    enter(step, inputs) {
      allNamed &&= isNamed(step);
      key = cacheKeyOf(key, step, inputs);
    },
    async find(withFiles) {
      if (!allNamed) return undefined;
      const [preferred, other] = withFiles ? [keyWithFiles(key), key] : [key, keyWithFiles(key)];
      return (await read(preferred)) ?? (await read(other));
    },
    async keep(cached) {
      const at = cached.files === undefined ? key : keyWithFiles(key);
      // What cannot be written down runs again next time.
      const bytes = await encodeCachedStep(cached).catch(() => undefined);
      if (bytes !== undefined) await cache.put(at, bytes);
    },
    isKept: () => allNamed,
  };
}

/** Without a cache nothing is found and nothing kept. */
export const noCachedSteps: CachedSteps = {
  enter: () => undefined,
  find: () => Promise.resolve(undefined),
  keep: () => Promise.resolve(),
  isKept: () => false,
};
