import { specLimits } from "./limits.ts";

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `90s` in milliseconds; undefined when it is no duration. */
export function durationMs(duration: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(duration) ?? [];
  // The expression above lets through nothing but the keys of the table.
  return amount === undefined ? undefined : Number(amount) * unitMs[unit as keyof typeof unitMs];
}

export function durationObjection(duration: string): { message: string; remedy: string } | undefined {
  const ms = durationMs(duration);
  if (ms === undefined)
    return { message: "is no duration", remedy: "write a number with ms, s, m or h, such as 90s or 5m" };
  if (ms < specLimits.minTimeoutMs) return { message: "is no time at all", remedy: "give it at least 1ms" };
  if (ms > specLimits.maxTimeoutMs) return { message: "is too long", remedy: "a step may take 1h at most" };
  return undefined;
}
