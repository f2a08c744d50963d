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

export interface OctokitSettings {
  readonly apiUrl: string;
  readonly userAgent: string;
  /** For whom it asks unless a request says otherwise. */
  readonly fetch: typeof fetch;
  readonly logger: GitHubLogger;
}

/** Octokit's class for our GitHub: our fetch, the API version pinned, and broken answers told from empty ones. */
export function octokitFor({ apiUrl, userAgent, fetch, logger }: OctokitSettings): typeof Octokit {
  const silent = () => {};
  const warn = (message: string) => logger.warn({}, message);
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
  }).defaults({
    baseUrl: apiUrl,
    userAgent,
    request: { fetch },
    log: { debug: silent, info: silent, warn, error: warn },
  });
}

/** An Octokit that acts for somebody: the App or one of its installations. */
export type Api = Pick<Octokit, "request" | "graphql">;
