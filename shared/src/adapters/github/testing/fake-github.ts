import { generateKeyPairSync } from "node:crypto";
import { codeHostByKey } from "./code-host-by-key.ts";
import type { GitHubAppOptions } from "../token-mint.ts";

/** An answer to give, or the error that fetch ends with. */
type FakeAnswer =
  Error | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown };

export interface FakeCall {
  readonly method: string;
  readonly url: URL;
  readonly authorization: string | null;
  readonly ifNoneMatch: string | null;
  readonly body: unknown;
}

export const fakeNow = new Date("2030-01-02T03:04:05Z");
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const fakeKey = privateKey.export({ type: "pkcs1", format: "pem" }).toString();

/**
 * A code host over a fetch that answers from a table, for what no real GitHub does on demand. Answers of one route are
 * given in order, the last one ever after; a function answers each call. The App is installed on `acme`, its tokens are `ghs_secret1`, `ghs_secret2` …
 */
export function fakeGitHub(
  routes: Readonly<Record<string, readonly FakeAnswer[] | ((call: FakeCall) => FakeAnswer)>>,
  options: Partial<GitHubAppOptions> = {},
) {
  const calls: FakeCall[] = [];
  const delaysMs: number[] = [];
  const logged: string[] = [];
  const given = new Map<string, number>();
  let tokens = 0;

  const answers: typeof routes = {
    "GET /orgs/acme/installation": [{ body: { id: 7, suspended_at: null, html_url: "https://github.test/7" } }],
    ...routes,
  };

  function answerTo(route: string, call: FakeCall): FakeAnswer {
    const expiresAt = new Date(fakeNow.getTime() + 3_600_000).toISOString();
    if (/^POST \/app\/installations\/\d+\/access_tokens$/.test(route) && !answers[route]) {
      tokens += 1;
      return { status: 201, body: { token: `ghs_secret${tokens}`, expires_at: expiresAt, permissions: {} } };
    }
    const ofRoute = answers[route];
    if (typeof ofRoute === "function") return ofRoute(call);
    const index = given.get(route) ?? 0;
    given.set(route, index + 1);
    return ofRoute?.[index] ?? ofRoute?.at(-1) ?? { status: 404, body: { message: "Not Found" } };
  }

  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? "GET";
    const text = typeof init?.body === "string" ? init.body : undefined;
    const headers = new Headers(init?.headers);
    const body: unknown = text === undefined ? undefined : JSON.parse(text);
    const call = {
      method,
      url,
      authorization: headers.get("authorization"),
      ifNoneMatch: headers.get("if-none-match"),
      body,
    };
    calls.push(call);
    const answer = answerTo(`${method} ${url.pathname}`, call);
    if (answer instanceof Error) throw answer;
    const content = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {});
    return new Response(answer.status === 304 ? null : content, {
      status: answer.status ?? 200,
      headers: { "content-type": "application/json; charset=utf-8", "x-github-request-id": "AB:12", ...answer.headers },
    });
  };

  const codeHost = codeHostByKey({
    apiUrl: "https://api.github.com",
    appId: "1",
    privateKey: fakeKey,
    clock: { now: () => fakeNow },
    timeoutMs: 5000,
    fetch,
    sleep: async (ms) => void delaysMs.push(ms),
    logger: { warn: (fields, message) => void logged.push(`${message} ${JSON.stringify(fields)}`) },
    ...options,
  });

  /** The requests made, but for those that look for the installation and its tokens. */
  const asked = () => calls.filter(({ url }) => !/\/installations?(\/|$)/.test(url.pathname));
  return { codeHost, calls, asked, delaysMs, logged };
}
