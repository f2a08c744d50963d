import type { LocalGitHub } from "../local-github.ts";

/** A path to GET, a REST request, or a GraphQL query. */
type Question =
  | string
  | {
      readonly method?: string;
      readonly path: string;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly query: string; readonly variables?: Readonly<Record<string, unknown>> };

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  readonly limits: {
    readonly limit: number;
    readonly remaining: number;
    readonly used: number;
    readonly resource: string | null;
  };
}

export type Ask = (question: Question) => Promise<Told>;

/** Asks with a token, without a client's retries, caches or clock of its own. */
export function askAs(github: LocalGitHub, token: string): Ask {
  return async (question) => {
    const { url, init } = requestOf(github, question);
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    const text = await response.text();
    const number = (name: string): number => Number(response.headers.get(`x-ratelimit-${name}`));
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : (JSON.parse(text) as unknown),
      limits: {
        limit: number("limit"),
        remaining: number("remaining"),
        used: number("used"),
        resource: response.headers.get("x-ratelimit-resource"),
      },
    };
  };
}

function requestOf(
  github: LocalGitHub,
  question: Question,
): {
  readonly url: string;
  readonly init: { method: string; body?: string; headers?: Readonly<Record<string, string>> };
} {
  if (typeof question === "string") return { url: `${github.apiUrl}${question}`, init: { method: "GET" } };
  if ("query" in question)
    return { url: `${github.url}/api/graphql`, init: { method: "POST", body: JSON.stringify(question) } };
  const { method = "GET", path, body, headers = {} } = question;
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  return { url: `${github.apiUrl}${path}`, init: { method, headers, ...content } };
}
