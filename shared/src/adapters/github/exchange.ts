import { z } from "zod";
import type { Clock } from "../../ports/clock.ts";
import type { PacedResource } from "../../ports/pacing.ts";
import { graphqlAnswer, restAnswer } from "./answer.ts";
import { budgetOf, limitHit } from "./rate-limits.ts";
import type { LimitNews } from "./turns.ts";

/** One request and its whole answer. */
export interface Exchanged extends LimitNews {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** GitHub's support asks for it. */
  readonly requestId: string | undefined;
  /** GraphQL reports errors with status 200. */
  readonly hasErrors: boolean;
}

/** No answer came. The message holds the reason's code only: what fetch says may quote a header, and so a token. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

interface Exchange {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly resource: PacedResource;
  readonly url: URL;
  readonly init: RequestInit;
}

const graphqlBody = z.object({
  errors: z.array(z.object({ message: z.string(), type: z.string().optional() })).optional(),
  data: z
    .object({
      rateLimit: z
        .object({ cost: z.number(), limit: z.number(), remaining: z.number(), resetAt: z.coerce.date() })
        .nullish(),
    })
    .nullish(),
});

/** Sends a request and reads its answer to the end. @throws NoAnswer on a timeout or a broken connection. */
export async function exchange({ fetch, clock, timeoutMs, resource, url, init }: Exchange): Promise<Exchanged> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    text = await response.text();
  } catch (error) {
    throw new NoAnswer(reasonOf(error, timeoutMs));
  }
  const { status, headers } = response;
  const said = resource === "graphql" && status === 200 ? graphqlBody.safeParse(parsed(text)).data : undefined;
  const errors = said?.errors ?? [];
  const rateLimit = said?.data?.rateLimit;
  const plain = Object.fromEntries(headers);
  const refused =
    status >= 400
      ? restAnswer(status, plain, parsed(text))
      : errors.length > 0
        ? graphqlAnswer(plain, errors)
        : undefined;
  return {
    status,
    headers,
    text,
    requestId: headers.get("x-github-request-id") ?? undefined,
    hasErrors: errors.length > 0,
    budget: rateLimit ? { resource, ...budget(rateLimit) } : budgetOf(headers, resource),
    cost: rateLimit?.cost,
    limitHit: refused && limitHit(refused, clock.now()),
  };
}

function budget({ limit, remaining, resetAt }: { limit: number; remaining: number; resetAt: Date }) {
  return { limit, remaining, resetAt };
}

/** The body as JSON, or as it is: what was cut off is told apart later. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "the connection failed";
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs} ms`;
  const cause: unknown = error.cause ?? error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : error.name;
  return `the connection failed (${code})`;
}
