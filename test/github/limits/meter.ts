/** How much came within a sliding stretch of time, and the most that ever did. */
export class Meter {
  readonly #lengthMs: number;
  #entries: { readonly at: number; readonly amount: number }[] = [];
  #sum = 0;
  /** The most within any stretch, what was refused for passing the limit included. */
  peak = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** What the stretch that ends now would hold with so much more; remembered as a peak, taken or not. */
  offer(now: number, amount: number): number {
    const offered = this.within(now) + amount;
    if (amount > 0) this.peak = Math.max(this.peak, offered);
    return offered;
  }

  take(now: number, amount: number): void {
    if (amount === 0) return;
    this.#entries.push({ at: now, amount });
    this.#sum += amount;
  }

  within(now: number): number {
    const expired = this.#entries.findIndex(({ at }) => at > now - this.#lengthMs);
    if (expired !== 0) {
      this.#entries = expired === -1 ? [] : this.#entries.slice(expired);
      this.#sum = this.#entries.reduce((sum, { amount }) => sum + amount, 0);
    }
    return this.#sum;
  }
}

/** A budget that begins anew some time after its first request, as GitHub's primary limits do. */
export class Budget {
  readonly #lengthMs: number;
  #used = 0;
  #resetAt = 0;
  /** The most that was asked of one window, what was refused included. */
  peak = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  used(now: number): number {
    this.#renew(now);
    return this.#used;
  }

  resetAt(now: number): Date {
    this.#renew(now);
    return new Date(this.#resetAt);
  }

  offer(now: number, cost: number): number {
    const offered = this.used(now) + cost;
    if (cost > 0) this.peak = Math.max(this.peak, offered);
    return offered;
  }

  /** A negative cost gives back. */
  take(now: number, cost: number): void {
    this.#renew(now);
    this.#used = Math.max(0, this.#used + cost);
  }

  #renew(now: number): void {
    if (this.#resetAt > now) return;
    this.#used = 0;
    this.#resetAt = now + this.#lengthMs;
  }
}
