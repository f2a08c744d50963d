import type { Route } from "./route.ts";

/** The parameters that take slashes, too: `x-multi-segment` in the OpenAPI description, and branch names. */
const multiSegment = new Set(["ref", "path", "branch"]);

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the operation of a path. Where several fit, the one with the longest template is meant. */
export class RouteTable {
  readonly #routes: readonly Compiled[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes
      .map((route) => ({ route, pattern: patternOf(route.template) }))
      .sort((left, right) => right.route.template.length - left.route.template.length);
  }

  /** Whether there is an operation of that method and template. */
  has(operation: string): boolean {
    return this.#routes.some(({ route }) => `${route.method} ${route.template}` === operation);
  }

  find(method: string, path: string): RouteMatch | undefined {
    for (const { route, pattern } of this.#routes) {
      if (route.method !== method) continue;
      const match = pattern.exec(path);
      if (match === null) continue;
      const params = decodeAll(match.groups ?? {});
      if (params !== undefined) return { route, params };
    }
    return undefined;
  }
}

function patternOf(template: string): RegExp {
  const source = template.split("/").map((segment) => {
    const name = /^\{(?<name>\w+)\}$/.exec(segment)?.groups?.["name"];
    if (name === undefined) return segment.replaceAll(".", String.raw`\.`);
    return `(?<${name}>${multiSegment.has(name) ? ".+?" : "[^/]+"})`;
  });
  // `/contents` alone is the root folder.
  const pattern = source.join("/").replace("/(?<path>.+?)", "(?:/(?<path>.*))?");
  return new RegExp(`^${pattern}$`);
}

function decodeAll(groups: Readonly<Record<string, string | undefined>>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value ?? "")]));
  } catch {
    // A broken percent-encoding names nothing.
    return undefined;
  }
}
