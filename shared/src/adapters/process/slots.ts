/** A fixed number of places, each taken by one at a time; who comes when all are taken waits in order. */
export interface Slots {
  /** Resolves to the number of a free place, from 0. */
  take(): Promise<number>;
  give(slot: number): void;
}

export function createSlots(count: number): Slots {
  const free = Array.from({ length: count }, (_, slot) => slot);
  const waiting: ((slot: number) => void)[] = [];
  return {
    take() {
      const slot = free.shift();
      return slot === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(slot);
    },
    give(slot) {
      const next = waiting.shift();
      if (next === undefined) free.push(slot);
      else next(slot);
    },
  };
}
