import type { Caller } from "../auth/caller.ts";
import { Refusal, validationFailed } from "../http/refusal.ts";
import type { GitHubLimits } from "./github-limits.ts";

const documentation = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";

/** What GitHub says when a secondary limit was passed. */
export const slowDown = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

/** The hour's budget is used up. GraphQL says so with status 200. */
export function primaryRefusal(limits: GitHubLimits, caller: Caller, isGraphql: boolean): Refusal {
  const status = isGraphql ? 200 : limits.refusals.primaryStatus;
  return new Refusal(status, `API rate limit exceeded for ${whose(caller)}.`, {
    type: "RATE_LIMITED",
    documentation: `${documentation}#about-primary-rate-limits`,
  });
}

/** Too much at once, or still during the cooldown. */
export function secondaryRefusal(limits: GitHubLimits, isGraphql: boolean): Refusal {
  return secondary(limits, isGraphql, slowDown);
}

/** Content came too fast. */
export function tooQuickly(limits: GitHubLimits, isGraphql: boolean, operation: string): Refusal {
  if (limits.refusals.content === "submitted too quickly") {
    if (isGraphql) return new Refusal(200, "was submitted too quickly", { type: "UNPROCESSABLE" });
    const resource = operation.endsWith("/comments") ? "IssueComment" : "PullRequest";
    return validationFailed({ resource, code: "custom", field: "data", message: "was submitted too quickly" });
  }
  return secondary(
    limits,
    isGraphql,
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later.",
  );
}

function secondary(limits: GitHubLimits, isGraphql: boolean, message: string): Refusal {
  const { secondaryStatus, graphqlSecondaryStatus, withRetryAfter } = limits.refusals;
  return new Refusal(isGraphql ? graphqlSecondaryStatus : secondaryStatus, message, {
    ...(withRetryAfter ? { headers: { "retry-after": String(Math.ceil(limits.cooldownMs / 1000)) } } : {}),
    documentation: `${documentation}#about-secondary-rate-limits`,
  });
}

function whose(caller: Caller): string {
  switch (caller.kind) {
    case "installation":
      return `installation ID ${caller.installation.id}`;
    case "user":
      return `user ID ${caller.actor.id}`;
    case "app":
      return "the App";
    case "anonymous":
      return "127.0.0.1";
  }
}
