import type { z } from "zod";
import type { Clock } from "../../ports/clock.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "../../ports/code-host.ts";
import type { AppPass, AppPasses, HostTokens } from "../../ports/host-tokens.ts";
import { keepTokens, tokenKey } from "../../tokens/keep-tokens.ts";
import { appPassAnswer, tokenAnswer, tokenErrorAnswer } from "../../tokens/token-answer.ts";
import { writeTokenQuery } from "../../tokens/token-query.ts";
import { memoryShelf } from "../../tokens/token-shelf.ts";

export interface HttpTokensOptions {
  /** Where the tokens function is, without a trailing slash. */
  readonly url: string;
  /** `ROLE:SECRET`. */
  readonly credential: string;
  readonly clock: Clock;
  /** How long one request may take: it may have to ask GitHub a few times. */
  readonly timeoutMs: number;
}

/** Nothing is used in its last minute: it could expire on the way. */
const leastValidMs = 60_000;

/** What it asks for beyond what it needs: the answer takes its time, and the clocks of two machines differ. */
const slackMs = 30_000;

/**
 * Tokens and passes of the tokens function, kept in this process until their last minute and asked for once for many
 * callers. Its refusals are the code host's, with the same kind and words.
 *
 * Besides, all that may go wrong between the two functions is CodeHostUnavailable: the work is tried again and not lost
 * while somebody mends it. No token, pass or credential appears in an error or its causes.
 */
export function createHttpHostTokens(options: HttpTokensOptions): HostTokens & AppPasses {
  const { clock } = options;
  const keep = keepTokens({ shelf: memoryShelf(clock), clock });
  let pass: AppPass | undefined;

  return {
    token({ account, repository }, wish) {
      const key = tokenKey(`account ${account.toLowerCase()}`, wish);
      const asked = { ...wish, validForMs: Math.max(leastValidMs, wish.validForMs ?? 0) + slackMs };
      const path = `accounts/${encodeURIComponent(account)}?${writeTokenQuery(asked, repository).toString()}`;
      return keep(key, wish, () => ask(options, path, tokenAnswer));
    },

    async appPass(refused) {
      const isGood = pass !== undefined && pass.expiresAt.getTime() - clock.now().getTime() >= leastValidMs;
      if (pass === undefined || !isGood || refused) {
        pass = await ask(options, refused ? "app?refused=true" : "app", appPassAnswer);
      }
      return pass;
    },

    async check() {
      await ask(options, "check", undefined);
    },
  };
}

async function ask<Answer>(options: HttpTokensOptions, path: string, shape: z.ZodType<Answer>): Promise<Answer>;
async function ask(options: HttpTokensOptions, path: string, shape: undefined): Promise<undefined>;
async function ask<Answer>(
  { url, credential, timeoutMs }: HttpTokensOptions,
  path: string,
  shape: z.ZodType<Answer> | undefined,
): Promise<Answer | undefined> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`${url}/tokens/${path}`, {
      headers: { authorization: `Bearer ${credential}` },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    body = await response.json();
  } catch (error) {
    // What fetch says may quote a header, and so the credential: its code alone is told.
    throw new CodeHostUnavailable(`The tokens function at ${url} gave no answer (${reasonOf(error, timeoutMs)}).`);
  }
  if (response.ok) {
    const answer = shape?.safeParse(body);
    if (answer === undefined) return undefined;
    if (answer.success) return answer.data;
  }
  throw refusalOf(response.status, body, url);
}

function refusalOf(status: number, body: unknown, url: string): Error {
  const parsed = tokenErrorAnswer.safeParse(body);
  if (!parsed.success)
    return new CodeHostUnavailable(`The tokens function at ${url} answered ${status}, not what it promises.`);
  const { error } = parsed.data;
  if (error.code === "refused") return new CodeHostRefused(error.kind, error.message);
  if (error.code === "busy") return new CodeHostBusy(error.message, error.retryAt);
  return new CodeHostUnavailable(error.message);
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "unknown";
  if (error.name === "TimeoutError") return `none within ${timeoutMs} ms`;
  const cause: unknown = error.cause ?? error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : error.name;
}
