import type { Arguments } from "./resolver.ts";

type Key<T> = (item: T) => number | string;

/** Sorts by the argument `orderBy: {field, direction}`; without it, the order is as given. */
export function ordered<T>(items: readonly T[], args: Arguments, keys: Readonly<Record<string, Key<T>>>): readonly T[] {
  const order = args["orderBy"];
  if (typeof order !== "object" || order === null || !("field" in order) || !("direction" in order)) return items;
  const key = keys[String(order.field)];
  if (key === undefined) throw new Error(`The local GitHub cannot order by ${String(order.field)}.`);
  const sign = order.direction === "DESC" ? -1 : 1;
  return items.toSorted((left, right) => sign * compare(key(left), key(right)));
}

function compare(left: number | string, right: number | string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
