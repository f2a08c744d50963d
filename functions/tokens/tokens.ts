import { Hono, type Context } from "hono";
import type { TokenWish } from "#shared/ports/host-tokens.ts";
import type { Granted } from "#shared/runtime/capabilities.ts";
import { defineHttpFunction } from "#shared/runtime/define-function.ts";
import { serve } from "#shared/runtime/serve.ts";
import { roleOfCredential } from "#shared/tokens/token-callers.ts";
import { readTokenQuery, type TokenQuery } from "#shared/tokens/token-query.ts";
import { judge, judgeAppPass, type TokenRole } from "#shared/tokens/token-role.ts";
import { answerError, Denied } from "./answer-error.ts";

const needs = ["tokenIssuer", "tokenCallers", "log"] as const;

type Env = { Variables: { role: TokenRole } };

/**
 * Hands out tokens of the App's installations, to callers inside only and to each as much as its role may have. It alone
 * has the App's private key.
 *
 * Safe to ask twice: a token is kept until its last minute, and one that nobody uses expires by itself.
 */
export const tokens = defineHttpFunction({
  name: "tokens",
  needs,
  routes: (capabilities) => {
    const app = createTokens(capabilities);
    return async (request) => app.fetch(request);
  },
});

function createTokens({ tokenIssuer, tokenCallers, log }: Granted<(typeof needs)[number]>): Hono<Env> {
  /** What the caller may have of what it asked for. @throws Denied saying why not, which the log keeps. */
  function granted(context: Context<Env>): { readonly wish: TokenWish; readonly repository: string | undefined } {
    const { repositories, repository, permissions, validForMs, refused } = queryOf(context);
    const role = context.get("role");
    const judgement = judge(role, { permissions, repositoryIds: repositories });
    if (judgement.kind === "refuse") throw denied(context, judgement.because);
    const wish = {
      permissions: judgement.permissions,
      ...(repositories !== undefined && { repositoryIds: repositories }),
      ...(validForMs !== undefined && { validForMs }),
      ...(refused !== undefined && { refused }),
    };
    log.info({ role, path: context.req.path, permissions: wish.permissions, repositories }, "a token was asked for");
    return { wish, repository };
  }

  function denied(context: Context<Env>, because: string): Denied {
    log.warn({ role: context.get("role"), path: context.req.path }, `refused a caller: ${because}`);
    return new Denied("forbidden", `The tokens function refuses it: ${because}`);
  }

  const app = new Hono<Env>();
  app.onError((error, context) => answerError(error, context, log));
  app.notFound((context) => {
    const error = new Denied("not-found", `There is no ${context.req.method} ${context.req.path}.`);
    return answerError(error, context, log);
  });
  app.use(async (context, next) => {
    context.header("cache-control", "no-store");
    const role = roleOfCredential(tokenCallers, context.req.header("authorization"));
    if (role === undefined) {
      log.warn({ path: context.req.path }, "refused a caller: its credential is missing or unknown");
      throw new Denied(
        "unauthorized",
        "The tokens function does not know this caller. Set OCTOBATCH_TOKENS_CREDENTIAL to one of its OCTOBATCH_TOKENS_CALLERS.",
      );
    }
    context.set("role", role);
    await next();
  });
  app.get("/tokens/installations/:id{[1-9][0-9]{0,14}}", async (context) => {
    const { wish } = granted(context);
    return context.json(await tokenIssuer.ofInstallation(Number(context.req.param("id")), wish));
  });
  app.get("/tokens/accounts/:account", async (context) => {
    const { wish, repository } = granted(context);
    const owner = { account: context.req.param("account"), ...(repository !== undefined && { repository }) };
    return context.json(await tokenIssuer.token(owner, wish));
  });
  app.get("/tokens/app", async (context) => {
    const judgement = judgeAppPass(context.get("role"));
    if (judgement.kind === "refuse") throw denied(context, judgement.because);
    log.info({ role: context.get("role") }, "the App's JWT was asked for");
    return context.json(await tokenIssuer.appPass(context.req.query("refused") === "true"));
  });
  app.get("/tokens/check", async (context) => {
    await tokenIssuer.check();
    return context.json({ ok: true });
  });
  return app;
}

/** @throws Denied naming each parameter that is wrong. */
function queryOf(context: Context): TokenQuery {
  const parsed = readTokenQuery(new URL(context.req.url).searchParams);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join(".")}: ${message}` : message,
  );
  throw new Denied("invalid-request", problems.join("; "));
}

if (import.meta.main) await serve(tokens);
