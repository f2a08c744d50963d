import { GraphqlResponseError } from "@octokit/graphql";
import { z } from "zod";

/**
 * What GitHub answered instead of a result, REST and GraphQL alike. It never holds what we sent: an Octokit error
 * carries the request with its Authorization header and is never kept as a cause.
 */
export class GitHubAnswer extends Error {
  override readonly name = "GitHubAnswer";
  /** The HTTP status; 0 when there was no answer. GraphQL reports most errors with 200. */
  readonly status: number;
  /** GitHub's message, then those of its single errors. */
  readonly messages: readonly string[];
  /** GraphQL error types such as `STALE_DATA`; REST error codes as `field:code`, such as `base:invalid`. */
  readonly codes: readonly string[];
  /** Response headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly requestId: string | undefined;

  constructor(answer: {
    status: number;
    messages: readonly string[];
    codes?: readonly string[];
    headers?: Readonly<Record<string, string | number | undefined>>;
  }) {
    super(answer.messages.join("; ").slice(0, 1000));
    this.status = answer.status;
    this.messages = answer.messages;
    this.codes = answer.codes ?? [];
    this.headers = answer.headers ?? {};
    const requestId = this.headers["x-github-request-id"];
    this.requestId = requestId === undefined ? undefined : String(requestId);
  }
}

const restFailure = z.object({
  name: z.literal("HttpError"),
  status: z.number(),
  message: z.string(),
  response: z
    .object({
      headers: z.record(z.string(), z.union([z.string(), z.number(), z.undefined()])),
      data: z.unknown(),
    })
    .optional(),
});

/** https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api: `errors` holds strings or objects. */
const restBody = z.object({
  message: z.string(),
  errors: z
    .array(
      z.union([
        z.string(),
        z.object({ field: z.string().optional(), code: z.string().optional(), message: z.string().nullish() }),
      ]),
    )
    .catch([])
    .optional(),
});

/** The answer that an Octokit error stands for; undefined for an error that is not GitHub's but ours. */
export function answerOf(error: unknown): GitHubAnswer | undefined {
  if (error instanceof GitHubAnswer) return error;
  if (error instanceof GraphqlResponseError) {
    const errors = error.errors ?? [];
    return new GitHubAnswer({
      status: 200,
      messages: errors.map(({ message }) => message),
      codes: errors.flatMap(({ type }) => (type ? [type] : [])),
      headers: error.headers,
    });
  }
  const failure = restFailure.safeParse(error);
  if (!failure.success) return undefined;
  const { response, status, message } = failure.data;
  if (!response) return new GitHubAnswer({ status: 0, messages: [message] });
  const body = restBody.safeParse(response.data);
  if (!body.success) {
    return new GitHubAnswer({ status, messages: ["an answer without a message"], headers: response.headers });
  }
  const errors = body.data.errors ?? [];
  return new GitHubAnswer({
    status,
    messages: [
      body.data.message,
      ...errors.flatMap((each) => (typeof each === "string" ? [each] : each.message ? [each.message] : [])),
    ],
    codes: errors.flatMap((each) => (typeof each === "string" ? [] : [`${each.field ?? ""}:${each.code ?? ""}`])),
    headers: response.headers,
  });
}
