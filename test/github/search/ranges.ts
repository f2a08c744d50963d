type Test<T> = (actual: T) => boolean;

/** A stretch of values, both ends included. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** `1..5`, `>=2`, `<7`, `*..5`, or one number. @throws Error naming what is no such range */
export function numberRange(range: string): Test<number> {
  return rangeOf(range, (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text)) throw new Error(`${text} is not a number`);
    return { from: value, to: value };
  });
}

/**
 * The same with instants in ISO 8601: `2024-01-01..2024-06-30T12:00:00Z`, `>=2024-01-01`. A day means all of it, a time
 * its whole second; without an offset it is UTC. @throws Error naming what is no such range
 */
export function instantRange(range: string): Test<Date> {
  const test = rangeOf(range, stretchOfInstant);
  return (actual) => test(actual.getTime());
}

function rangeOf(range: string, parse: (text: string) => Stretch): Test<number> {
  const dots = /^(?<low>.+?)\.\.(?<high>.+)$/.exec(range)?.groups;
  if (dots !== undefined) {
    const { low = "*", high = "*" } = dots;
    const from = low === "*" ? Number.NEGATIVE_INFINITY : parse(low).from;
    const to = high === "*" ? Number.POSITIVE_INFINITY : parse(high).to;
    return (actual) => actual >= from && actual <= to;
  }
  const { sign = "", value = range } = /^(?<sign>>=|<=|>|<)?(?<value>.+)$/.exec(range)?.groups ?? {};
  const { from, to } = parse(value);
  switch (sign) {
    case ">=":
      return (actual) => actual >= from;
    case "<=":
      return (actual) => actual <= to;
    case ">":
      return (actual) => actual > to;
    case "<":
      return (actual) => actual < from;
    default:
      return (actual) => actual >= from && actual <= to;
  }
}

const dayMs = 24 * 3_600_000;

function stretchOfInstant(text: string): Stretch {
  const parts = /^(?<day>\d{4}-\d{2}-\d{2})(?:T(?<time>\d{2}:\d{2}(?::\d{2})?)(?<zone>Z|[+-]\d{2}:?\d{2})?)?$/.exec(
    text,
  )?.groups;
  const { day = "", time, zone = "Z" } = parts ?? {};
  const from = Date.parse(
    time === undefined ? `${day}T00:00:00Z` : `${day}T${time}${zone.replace(/(\d{2})(\d{2})$/, "$1:$2")}`,
  );
  if (Number.isNaN(from)) throw new Error(`${text} is not a date`);
  const precisionMs = time === undefined ? dayMs : time.length > 5 ? 1_000 : 60_000;
  return { from, to: from + precisionMs - 1 };
}
