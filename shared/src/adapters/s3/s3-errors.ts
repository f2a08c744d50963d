import { BlobStoreUnavailable } from "../../ports/blob-store.ts";
import type { S3Settings } from "./s3-connection.ts";

/** What an error of S3 tells: its code, the status of the answer, and what the network said. */
interface Traits {
  readonly code: string;
  readonly status: number;
  readonly text: string;
}

interface Remedy {
  readonly when: (traits: Traits) => boolean;
  readonly say: (settings: S3Settings) => string;
}

/**
 * What to do about an error, the first that fits. The codes are those of AWS, which other servers use as well
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
 */
const remedies: readonly Remedy[] = [
  {
    when: ({ code }) => code === "NoSuchBucket",
    say: ({ bucket }) => `There is no bucket ${bucket}: create it, or correct OCTOBATCH_S3_BUCKET.`,
  },
  {
    when: ({ code }) =>
      ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "XAdminUserNotFound"].includes(code),
    say: () => "The credentials are wrong: correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
  },
  {
    when: ({ code }) => ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"].includes(code),
    say: () => "The credentials have expired: renew AWS_SESSION_TOKEN, or use a role that renews itself.",
  },
  {
    when: ({ code }) => code === "CredentialsProviderError",
    say: () => "There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod a role.",
  },
  {
    when: ({ code }) => code === "RequestTimeTooSkewed",
    say: () => "The clocks of this machine and of the server differ by more than 15 minutes: correct them.",
  },
  {
    when: ({ code, status }) =>
      status === 301 || status === 307 || ["PermanentRedirect", "AuthorizationHeaderMalformed"].includes(code),
    say: ({ region }) => `The bucket is not in the region ${region}: correct OCTOBATCH_S3_REGION.`,
  },
  {
    when: ({ code, status }) =>
      status === 507 || ["XMinioStorageFull", "QuotaExceeded", "EntityTooLarge"].includes(code),
    say: ({ bucket }) => `The bucket ${bucket} is full: give it more room, or keep artifacts for fewer days.`,
  },
  {
    when: ({ status }) => status === 401 || status === 403,
    say: ({ bucket }) =>
      `Access is denied: the credentials need s3:ListBucket on the bucket ${bucket}, and s3:GetObject, s3:PutObject, ` +
      "s3:DeleteObject and s3:AbortMultipartUpload on what is in it.",
  },
  {
    when: ({ status }) => status === 501,
    say: () => "The server does not know this request: it has to support conditional and multipart uploads.",
  },
  {
    when: ({ status }) => status === 429 || status >= 500,
    say: () => "The server is busy or broken; it is asked again by itself.",
  },
  {
    when: ({ text }) => /CERT|certificate|self-signed/i.test(text),
    say: () => "Its certificate is not trusted: set OCTOBATCH_S3_CERTIFICATES to those of its authority.",
  },
  {
    when: ({ status }) => status === 0,
    say: ({ endpoint }) =>
      endpoint === undefined
        ? "It cannot be reached: check the network, HTTPS_PROXY and OCTOBATCH_S3_REGION."
        : `${endpoint} cannot be reached: correct OCTOBATCH_S3_ENDPOINT, or check the network and HTTPS_PROXY.`,
  },
];

/**
 * The error of the port for what S3 answered, with what to do about it. The SDK's own error stays behind: it holds the
 * whole exchange, with a session's token in its headers, and errors are logged.
 */
export function unavailable(what: string, settings: S3Settings, cause: unknown): BlobStoreUnavailable {
  const traits = traitsOf(cause);
  const remedy = remedies.find(({ when }) => when(traits));
  const code = ["", "Unknown", "Error", "AggregateError"].includes(traits.code) ? "" : `${traits.code}: `;
  return new BlobStoreUnavailable(
    `The bucket ${settings.bucket} could not ${what}: ${code}${traits.text} ${remedy?.say(settings) ?? ""}`.trim(),
    { cause: new Error(`${code}${traits.text} (HTTP ${traits.status}, request ${requestOf(cause)})`) },
  );
}

/** By which the server's operator finds it. */
function requestOf(error: unknown): string {
  const id = field(field(error, "$metadata"), "requestId");
  return typeof id === "string" ? id : "unknown";
}

/** The status of the answer; 0 when there was none. */
export function statusOf(error: unknown): number {
  const metadata = field(error, "$metadata");
  const status = field(metadata, "httpStatusCode");
  return typeof status === "number" ? status : 0;
}

export function codeOf(error: unknown): string {
  const code = field(error, "Code") ?? field(error, "name");
  return typeof code === "string" ? code : "";
}

function traitsOf(error: unknown): Traits {
  return { code: codeOf(error), status: statusOf(error), text: textOf(error) };
}

/** The messages of an error and of those below it: Node's for a connection that failed on each address has none itself. */
function textOf(error: unknown): string {
  const below = error instanceof AggregateError ? error.errors : [];
  const texts = [error, ...below].map((each: unknown) => (each instanceof Error ? each.message : String(each)));
  const code = field(error, "code");
  if (texts[0] === "UnknownError") return `HTTP ${statusOf(error)}.`; // the SDK, of an answer without a body
  const text = [...new Set([...texts, ...(typeof code === "string" ? [code] : [])])].filter(Boolean).join(", ");
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
