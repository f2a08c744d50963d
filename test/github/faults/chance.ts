/** A source of numbers in [0, 1) that repeats itself for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = Math.trunc(seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** How often something is to happen. */
export interface Frequency {
  /** How many times in all; once unless said otherwise. */
  readonly times?: number;
  /** Lets so many that match pass first. */
  readonly skip?: number;
  /** From 0 to 1: how likely each one that matches is hit; always by default. */
  readonly chance?: number;
}

/** Decides, for one that matches after another, whether it is hit. */
export class Hits {
  readonly #chance: number;
  readonly #random: () => number;
  #skip: number;
  #left: number;

  constructor(frequency: Frequency, random: () => number) {
    this.#chance = frequency.chance ?? 1;
    this.#skip = frequency.skip ?? 0;
    this.#left = frequency.times ?? 1;
    this.#random = random;
  }

  hit(): boolean {
    if (this.#left <= 0) return false;
    if (this.#skip > 0) {
      this.#skip -= 1;
      return false;
    }
    if (this.#chance < 1 && this.#random() >= this.#chance) return false;
    this.#left -= 1;
    return true;
  }
}
