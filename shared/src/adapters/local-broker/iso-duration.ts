const pattern = /^P(?=[\dT])(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/;

/**
 * The milliseconds of an ISO 8601 duration such as `PT0.2S`; undefined when it is none, or is of years or months, which
 * have no fixed length.
 */
export function durationMs(text: string): number | undefined {
  const parts = pattern.exec(text);
  if (parts === null) return undefined;
  const [weeks, days, hours, minutes, seconds] = parts.slice(1).map((part) => Number((part ?? "0").replace(",", ".")));
  const wholeDays = (weeks ?? 0) * 7 + (days ?? 0);
  const wholeMinutes = (wholeDays * 24 + (hours ?? 0)) * 60 + (minutes ?? 0);
  return Math.round((wholeMinutes * 60 + (seconds ?? 0)) * 1000);
}
