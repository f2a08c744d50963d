/**
 * Cutting a repository search into slices that GitHub shows whole, for it shows 1,000 hits of a search and no more.
 *
 * Slices are ranges of days of creation; a day that holds too many is cut into ranges of size. They are taken from the
 * oldest day to the newest, and within a day from the smallest size to the largest. What comes after a slice is
 * everything after its end, so slices neither overlap nor leave a gap, wherever they are cut and whenever one goes on.
 * All of this is arithmetic: see `search.ts` for the requests.
 */

/** GitHub hands out no more hits of a search. https://docs.github.com/en/rest/search/search#about-search */
export const maxSearchHits = 1000;

/** Inclusive at both ends; an end that is absent is open. */
export interface Range<T> {
  readonly from?: T | undefined;
  readonly to?: T | undefined;
}

/** Days are UTC, as `2026-01-31`. Sizes are in KB, and set only when `created` is a single day. */
export interface SearchSlice {
  readonly created: Range<string>;
  readonly size?: Range<number> | undefined;
}

/** What the search itself asks for: no slice reaches beyond. */
export interface SearchBounds {
  readonly created: Range<string>;
  readonly size?: Range<number> | undefined;
}

export interface CountedSlice {
  readonly slice: SearchSlice;
  readonly count: number;
}

/** How many parts are counted at once: ten searches in one request cost one point. */
const partsAtOnce = 10;

/** Nothing on GitHub is older. Earlier days still lie in the first part, whose beginning is open. */
const firstDay = "2008-01-01";

/**
 * Cuts a slice into up to ten parts, in order and without a gap; undefined when it cannot be cut any further.
 * @param today divides a slice that is open at its end: what is created later belongs to the last part.
 */
export function partsOf(slice: SearchSlice, whole: SearchBounds, today: string): readonly SearchSlice[] | undefined {
  const { created, size } = slice;
  if (size) return rangesOfSize(size)?.map((part) => ({ created, size: part }));
  if (created.from !== undefined && created.from === created.to) {
    return rangesOfSize(whole.size ?? { from: 0 })?.map((part) => ({ created, size: part }));
  }
  const first = dayNumber(created.from ?? earlier(firstDay, created.to));
  // Later days are those of other clocks.
  if (created.to === undefined && first > dayNumber(today) + 1) return undefined;
  const last = Math.max(dayNumber(created.to ?? today), created.to === undefined ? first + 1 : first);
  if (last <= first) return undefined;
  return evenly(first, last).map(([from, to], index, parts) => ({
    created: {
      ...((index > 0 || created.from !== undefined) && { from: dayOf(from) }),
      ...((index < parts.length - 1 || created.to !== undefined) && { to: dayOf(to) }),
    },
  }));
}

/** What to read next: what is planned already, and the part after it when that is too large to go along. */
export interface SearchPlan {
  readonly planned?: CountedSlice | undefined;
  readonly crowded?: SearchSlice | undefined;
}

/**
 * Adds parts that lie side by side to what is planned, as many as GitHub shows together. A day's sizes and whole days
 * make no range together, so that one of them is planned before the other.
 */
export function planSearchSlices(parts: readonly CountedSlice[], before?: CountedSlice): SearchPlan {
  let planned = before;
  for (const part of parts) {
    if (part.count > maxSearchHits - (planned?.count ?? 0)) {
      // A part that was counted as empty need not be read.
      return { planned: planned?.count === 0 ? undefined : planned, crowded: part.slice };
    }
    if (planned && isOfDays(planned.slice) !== isOfDays(part.slice)) return { planned };
    const slice = planned ? joined(planned.slice, part.slice) : part.slice;
    planned = { slice, count: (planned?.count ?? 0) + part.count };
  }
  return { planned };
}

/** Whether to read what is planned, rather than to cut the part after it for more: each cut costs a request. */
export function isPlannedEnough({ planned, crowded }: SearchPlan): boolean {
  if (!crowded) return true;
  if (!planned) return false;
  const isOneDay = crowded.created.from !== undefined && crowded.created.from === crowded.created.to;
  return planned.count >= maxSearchHits / 2 || (isOfDays(planned.slice) && isOneDay);
}

function isOfDays({ size }: SearchSlice): boolean {
  return size === undefined;
}

/** All that comes after a slice; undefined after the last. `whole` is what the search itself asks for. */
export function following(slice: SearchSlice, whole: SearchBounds): SearchSlice | undefined {
  const { created, size } = slice;
  const lastSize = whole.size?.to;
  if (size?.to !== undefined && size.to !== lastSize) {
    return { created, size: { from: size.to + 1, ...(lastSize !== undefined && { to: lastSize }) } };
  }
  const { to } = created;
  if (to === undefined || to === whole.created.to) return undefined;
  const lastDay = whole.created.to;
  return { created: { from: dayOf(dayNumber(to) + 1), ...(lastDay !== undefined && { to: lastDay }) } };
}

function joined(a: SearchSlice, b: SearchSlice): SearchSlice {
  if (a.size && b.size) return { created: a.created, size: { from: a.size.from, to: b.size.to } };
  return { created: { from: a.created.from, to: b.created.to } };
}

/** Sizes differ by magnitudes: an open range is cut where the size doubles, a closed one evenly. */
function rangesOfSize({ from = 0, to }: Range<number>): readonly Range<number>[] | undefined {
  if (to !== undefined) return to <= from ? undefined : evenly(from, to).map(([from, to]) => ({ from, to }));
  // Nothing that GitHub holds has a petabyte.
  if (from >= 2 ** 40) return undefined;
  const ends = Array.from({ length: partsAtOnce - 1 }, (_, index) => (from + 1) * 8 ** index - 1);
  return [
    ...ends.map((to, index) => ({ from: index === 0 ? from : (ends[index - 1] ?? 0) + 1, to })),
    { from: (ends.at(-1) ?? from) + 1 },
  ];
}

function evenly(first: number, last: number): readonly (readonly [number, number])[] {
  const total = last - first + 1;
  const count = Math.min(partsAtOnce, total);
  const start = (index: number) => first + Math.floor((index * total) / count);
  return Array.from({ length: count }, (_, index) => [start(index), start(index + 1) - 1]);
}

const dayMs = 86_400_000;

function dayNumber(day: string): number {
  return Math.round(Date.parse(`${day}T00:00:00Z`) / dayMs);
}

export function dayOf(number: number): string {
  return new Date(number * dayMs).toISOString().slice(0, 10);
}

function earlier(a: string, b: string | undefined): string {
  return b !== undefined && b < a ? b : a;
}
