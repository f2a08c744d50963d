/** Lets so many requests run at once; the others wait in line. */
export interface RequestLimit {
  /** Runs `task` when it is its turn; undefined, without running it, when `signal` is aborted first. */
  run<Result>(task: () => Promise<Result>, signal: AbortSignal): Promise<Result | undefined>;
}

export function createRequestLimit(atOnce: number): RequestLimit {
  let running = 0;
  // A Set remembers the order of arrival.
  const line = new Set<() => void>();

  async function enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (running < atOnce) {
      running++;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const admit = () => resolve(true);
    const giveUp = () => {
      if (line.delete(admit)) resolve(false);
    };
    line.add(admit);
    signal.addEventListener("abort", giveUp);
    const admitted = await promise;
    signal.removeEventListener("abort", giveUp);
    return admitted;
  }

  /** Hands the place to the next in line. */
  function leave(): void {
    const [next] = line;
    if (next === undefined) {
      running--;
      return;
    }
    line.delete(next);
    next();
  }

  return {
    async run(task, signal) {
      if (!(await enter(signal))) return undefined;
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
