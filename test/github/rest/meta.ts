import { Refusal } from "../http/refusal.ts";
import type { RateResource } from "../limits/account-rates.ts";
import { route, type Route } from "./route.ts";

/** What the server says about itself and about the caller's budget. */
export const metaRoutes: readonly Route[] = [
  route("GET /meta", "anyone", async () => ({
    status: 200,
    body: {
      verifiable_password_authentication: false,
      hooks: ["127.0.0.0/8"],
      web: ["127.0.0.0/8"],
      api: ["127.0.0.0/8"],
      git: ["127.0.0.0/8"],
    },
  })),
  route("GET /rate_limit", "anyone", async ({ caller, rates }) => {
    if (rates.setting === "ghes") throw new Refusal(404, "Rate limiting is not enabled.");
    const resource = (name: RateResource): object => {
      const { limit, used, remaining, resetAt } = rates.state(caller, name);
      return { limit, used, remaining, reset: Math.ceil(resetAt.getTime() / 1000) };
    };
    const core = resource("core");
    return {
      status: 200,
      body: {
        resources: {
          core,
          search: resource("search"),
          code_search: resource("code_search"),
          graphql: resource("graphql"),
        },
        rate: core,
      },
    };
  }),
];
