/** Lets so many in at once; who comes later waits in line, as long as the line is not too long. */
export interface Turnstile {
  /** Resolves once it is one's turn, to what has to be called when leaving; or at once to undefined when the line is full. */
  enter(): Promise<(() => void) | undefined>;
}

export function createTurnstile(limits: { readonly atOnce: number; readonly inLine: number }): Turnstile {
  const line: (() => void)[] = [];
  let inside = 0;

  function admit(): () => void {
    inside += 1;
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      inside -= 1;
      line.shift()?.();
    };
  }

  return {
    async enter() {
      if (inside < limits.atOnce) return admit();
      if (line.length >= limits.inLine) return undefined;
      return new Promise((resolve) => line.push(() => resolve(admit())));
    },
  };
}
