import type { StepCache } from "#shared/transform/step-cache.ts";
import type { ArtifactsClient } from "./artifacts-client.ts";

/** The step cache as Jobs reach it. @param tell Hears why an entry could not be read or kept. */
export function createJobStepCache(
  artifacts: Pick<ArtifactsClient, "getCached" | "putCached">,
  tell: (said: string) => void,
): StepCache {
  return {
    async get(key) {
      try {
        return await artifacts.getCached(key);
      } catch (error) {
        tell(`A cached step cannot be read, so it runs: ${String(error)}`);
        return undefined;
      }
    },
    async put(key, bytes) {
      try {
        await artifacts.putCached(key, bytes);
      } catch (error) {
        tell(`A step's result cannot be kept, so it runs again next time: ${String(error)}`);
      }
    },
  };
}

/** Whether an image is named by its digest. A tag may stand for another image tomorrow, or on another node. */
export function isPinned(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image);
}
