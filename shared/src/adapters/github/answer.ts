import { GraphqlResponseError } from "@octokit/graphql";
import { z } from "zod";
import { redacted } from "./redacted.ts";

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
    const messages = answer.messages.map(redacted);
    super(messages.join("; ").slice(0, 1000));
    this.status = answer.status;
    this.messages = messages;
    this.codes = answer.codes ?? [];
    this.headers = answer.headers ?? {};
    const requestId = this.headers["x-github-request-id"];
    this.requestId = requestId === undefined ? undefined : String(requestId);
  }
}

/** Whether one of the messages of an answer fits. */
export const says = (pattern: RegExp) => (answer: GitHubAnswer) =>
  answer.messages.some((message) => pattern.test(message));

/** Whether an answer carries an error code. */
export const code = (name: string) => (answer: GitHubAnswer) => answer.codes.includes(name);

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
  if (error instanceof GraphqlResponseError) return graphqlAnswer(error.headers, error.errors ?? []);
  const failure = restFailure.safeParse(error);
  if (!failure.success) return undefined;
  const { response, status, message } = failure.data;
  if (!response) return new GitHubAnswer({ status: 0, messages: [message] });
  return restAnswer(status, response.headers, response.data);
}

/** What a GraphQL body with errors says; its status is 200. */
export function graphqlAnswer(
  headers: GitHubAnswer["headers"],
  errors: readonly { readonly message: string; readonly type?: string | undefined }[],
): GitHubAnswer {
  return new GitHubAnswer({
    status: 200,
    messages: errors.map(({ message }) => message),
    codes: errors.flatMap(({ type }) => (type ? [type] : [])),
    headers,
  });
}

/** What a refusal says, `data` being its body: parsed JSON, or text that is none. */
export function restAnswer(status: number, headers: GitHubAnswer["headers"], data: unknown): GitHubAnswer {
  const body = restBody.safeParse(data);
  if (!body.success) return new GitHubAnswer({ status, messages: [excerptOf(data)], headers });
  const errors = body.data.errors ?? [];
  return new GitHubAnswer({
    status,
    messages: [
      body.data.message,
      ...errors.flatMap((each) => (typeof each === "string" ? [each] : each.message ? [each.message] : [])),
    ],
    codes: errors.flatMap((each) => (typeof each === "string" ? [] : [`${each.field ?? ""}:${each.code ?? ""}`])),
    headers,
  });
}

/** A proxy's page, or a shape that GitHub has not documented: its beginning says more than nothing. */
function excerptOf(data: unknown): string {
  const text = typeof data === "string" ? data : (JSON.stringify(data) ?? "");
  const words = text.replaceAll(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/gi, " ").replaceAll(/\s+/g, " ");
  return words.trim().slice(0, 300) || "an answer without a message";
}
