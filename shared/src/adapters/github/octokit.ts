import { Octokit } from "@octokit/core";
import { GitHubAnswer } from "./answer.ts";

/** GitHub promises each version for two years. https://docs.github.com/en/rest/about-the-rest-api/api-versions */
const apiVersion = "2022-11-28";

/** What the adapter says to the log; pino's loggers fit. */
export interface GitHubLogger {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  /** Told of every request, with its id at GitHub. */
  debug?(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** An Octokit that acts for somebody: the App or one of its installations. */
export type Api = Pick<Octokit, "request" | "graphql">;

/** Makes an Api for whoever the Authorization header stands for; everything it asks goes through `fetch`. */
export type Apis = (authorization: string, fetch: typeof globalThis.fetch) => Api;

/**
 * Octokit's class for our GitHub: the API version pinned, and broken answers told from empty ones.
 */
export function octokitFor(settings: {
  readonly apiUrl: string;
  readonly userAgent: string;
  readonly logger: GitHubLogger;
}): typeof Octokit {
  const { apiUrl, userAgent, logger } = settings;
  const silent = () => {};
  const warn = (message: string) => logger.warn({}, message);
  const log = { debug: silent, info: silent, warn, error: warn };
  return Octokit.plugin((octokit) => {
    octokit.hook.before("request", (options) => {
      options.headers["x-github-api-version"] = apiVersion;
    });
    octokit.hook.after("request", (response) => {
      // Octokit hands JSON that was cut off on as a string, as if the call had succeeded.
      const isJson = /^application\/([\w.-]+\+)?json/.test(response.headers["content-type"] ?? "");
      if (isJson && typeof response.data === "string") {
        throw new GitHubAnswer({ status: 502, messages: ["an answer that was cut off"], headers: response.headers });
      }
    });
  }).defaults({ baseUrl: apiUrl, userAgent, log });
}

export function createApis(OurOctokit: typeof Octokit): Apis {
  const octokit = new OurOctokit();
  return (authorization, fetch) => {
    const defaults = { headers: { authorization }, request: { fetch } };
    return { request: octokit.request.defaults(defaults), graphql: octokit.graphql.defaults(defaults) };
  };
}
