import type { RepositoryView, Status } from "./api-client.ts";
import { repositoryName } from "./repository-name.ts";
import { oneLine, type Paint, type Style } from "./terminal.ts";

/** A heading, and below it each repository with its reason; nothing when there are none. */
export function renderReasons(
  heading: string,
  list: readonly RepositoryView[],
  style: Style,
  paint: Paint,
): readonly string[] {
  if (list.length === 0) return [];
  return [paint(style, heading), ...list.map((each) => `  ${oneLine(repositoryName(each))}: ${oneLine(each.because)}`)];
}

/** What the service has given up, and why. */
export function renderDeadTasks(tasks: Status["deadTasks"], paint: Paint): readonly string[] {
  if (tasks.length === 0) return [];
  return [
    paint("red", "Given up:"),
    ...tasks.map(({ type, subject, because }) => `  ${oneLine(type)} ${oneLine(subject)}: ${oneLine(because)}`),
  ];
}

/** Reasons with how many repositories share each, the most frequent first. */
export function countReasons(
  list: readonly RepositoryView[],
): readonly { readonly because: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { because } of list) counts.set(because, (counts.get(because) ?? 0) + 1);
  return [...counts].map(([because, count]) => ({ because, count })).sort((one, other) => other.count - one.count);
}

/** Reads a whole list; 5,000 repositories are a few megabytes. */
export function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  return Array.fromAsync(items);
}
