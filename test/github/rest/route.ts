import type { z } from "zod";
import type { Caller } from "../auth/caller.ts";
import type { Need } from "../state/permissions.ts";
import type { Repository } from "../state/repository.ts";
import type { Site } from "../site.ts";
import { Refusal, unprocessable } from "../http/refusal.ts";
import type { RateLimits } from "../limits/rate-limits.ts";

export interface RestRequest {
  readonly site: Site;
  readonly rates: RateLimits;
  readonly caller: Caller;
  /** Decoded path parameters, by the names of the OpenAPI description. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  /** The URL that was asked for, for Link headers. */
  readonly url: URL;
}

export type RepositoryRequest = RestRequest & { readonly repository: Repository };

export interface RestAnswer {
  readonly status: number;
  /** Absent for 204. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One operation. `template` is the path in the OpenAPI description, by which it is validated. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly template: string;
  /** Who may call it; `repository` routes also check the permission on the repository that the path names. */
  readonly access: "anyone" | "app" | "installation" | "authenticated" | "repository";
  /** Any one is enough. */
  readonly needs: readonly Need[];
  /** True for a POST that changes nothing in a repository, such as minting a token. */
  readonly isHousekeeping: boolean;
  readonly handle: (request: RestRequest) => Promise<RestAnswer>;
  readonly handleRepository?: (request: RepositoryRequest) => Promise<RestAnswer>;
}

type Operation = `${Route["method"]} /${string}`;

function split(operation: Operation): Pick<Route, "method" | "template"> {
  const at = operation.indexOf(" ");
  // The type of Operation promises a method before the blank.
  return { method: operation.slice(0, at) as Route["method"], template: operation.slice(at + 1) };
}

/** An operation that no repository is part of. */
export function route(
  operation: Operation,
  access: Exclude<Route["access"], "repository">,
  handle: Route["handle"],
): Route {
  return { ...split(operation), access, needs: [], isHousekeeping: true, handle };
}

/** An operation on a repository. `needs` are alternatives. */
export function repositoryRoute(
  operation: Operation,
  needs: readonly Need[],
  handleRepository: (request: RepositoryRequest) => Promise<RestAnswer>,
): Route {
  const handle = (): Promise<RestAnswer> => Promise.reject(new Error(`${operation} needs its repository.`));
  return { ...split(operation), access: "repository", needs, isHousekeeping: false, handle, handleRepository };
}

/** A path parameter that the template declares. */
export function param(request: RestRequest, name: string): string {
  const value = request.params[name];
  if (value === undefined) throw new Error(`The route has no parameter {${name}}.`);
  return value;
}

/** The body, parsed. @throws Refusal 422 "Invalid request." naming the first thing that is wrong with it. */
export function parseBody<T>(request: RestRequest, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(request.body ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".") ?? "";
  const isMissing = issue?.code === "invalid_type" && issue.message.includes("received undefined");
  if (isMissing) throw unprocessable(`Invalid request.\n\n"${field}" wasn't supplied.`);
  throw unprocessable(
    `Invalid request.\n\nFor '${field === "" ? "body" : `properties/${field}`}', ${issue?.message ?? "it is invalid"}.`,
  );
}

/** A number in the path, such as a pull request's. @throws Refusal 404 for anything else */
export function numberParam(request: RestRequest, name: string): number {
  const value = param(request, name);
  if (!/^\d{1,15}$/.test(value)) throw new Refusal(404, "Not Found", { type: "NOT_FOUND" });
  return Number(value);
}
