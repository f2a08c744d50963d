/** A fixed number of places, each taken by one at a time; who comes when all are taken waits in order. */
export interface Slots {
  /** Resolves to the number of a free place, from 0; to nothing when the signal comes first. */
  take(signal?: AbortSignal): Promise<number | undefined>;
  give(slot: number): void;
  /** Whether the next one who comes has to wait. */
  isFull(): boolean;
}

export function createSlots(count: number): Slots {
  const free = Array.from({ length: count }, (_, slot) => slot);
  const waiting = new Set<(slot: number) => void>();
  return {
    take(signal) {
      if (signal?.aborted === true) return Promise.resolve(undefined);
      const slot = free.shift();
      if (slot !== undefined) return Promise.resolve(slot);
      return new Promise((resolve) => {
        waiting.add(resolve);
        signal?.addEventListener("abort", () => {
          waiting.delete(resolve);
          resolve(undefined);
        });
      });
    },
    isFull: () => free.length === 0,
    give(slot) {
      const [next] = waiting;
      if (next === undefined) {
        free.push(slot);
        return;
      }
      waiting.delete(next);
      next(slot);
    },
  };
}
