import type { StandingName, Status } from "./api-client.ts";
import type { Paint, Style } from "./terminal.ts";

/** Every standing in the order in which people read them, and how it looks. A new one does not compile until it is here. */
export const standingStyles: Readonly<Record<StandingName, Style>> = {
  merged: "green",
  open: "cyan",
  publishing: "cyan",
  ready: "dim",
  unpublished: "dim",
  pending: "dim",
  running: "cyan",
  "no-change": "dim",
  closing: "dim",
  closed: "dim",
  withdrawn: "dim",
  cancelled: "dim",
  excluded: "dim",
  "needs-human": "yellow",
  failed: "red",
  "execution-failed": "red",
};

/** The names of the table; Object.keys forgets them. */
export const standingNames = Object.keys(standingStyles) as readonly StandingName[];

/** `12 merged, 30 open, 1 failed`. */
export function renderCounts(standings: Status["standings"], paint: Paint): string {
  const parts = standingNames.flatMap((name) => {
    const count = standings[name] ?? 0;
    return count === 0 ? [] : [paint(standingStyles[name], `${count} ${name}`)];
  });
  return parts.length === 0 ? "no repositories yet" : parts.join(", ");
}

/** `1 repository`, `2 repositories`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function repositories(count: number): string {
  return counted(count, "repository", "repositories");
}
