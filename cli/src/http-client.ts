import { errorBody } from "#shared/api/schemas.ts";
import { CliError } from "./cli-error.ts";
import type { Connection } from "./connection.ts";
import type { exitCodes } from "./exit-codes.ts";
import type { Io } from "./io.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST";
  /** Below the server's address, such as `/api/v1/campaigns`. */
  readonly path: string;
  readonly body?: unknown;
  /** It changes nothing, whatever its method. A GET never does. */
  readonly isRead?: boolean;
  /** 30 seconds unless told. */
  readonly timeoutMs?: number;
}

/** Sends a request and answers the body of a success. @throws CliError for everything else. */
export type HttpClient = (request: ApiRequest) => Promise<Uint8Array>;

/** How long a read waits before it is tried again: half a minute in all, time enough for a server to restart. */
const retryDelaysMs = [250, 500, 1000, 2000, 4000, 5000, 5000, 6000, 6000];

/**
 * Speaks HTTP to the API. A read is tried again while the server says that it is unavailable and, once it has answered
 * anything at all, while it cannot be reached: it may be restarting. When the service says itself how long to wait, that is
 * left to the caller, as `retryAfterMs` of the error. A change is sent once, since a lost answer says nothing about what
 * was done.
 */
export function createHttpClient(connection: Connection, io: Pick<Io, "fetch" | "sleep" | "interrupted">): HttpClient {
  let hasAnswered = false;

  async function send({ method, path, body, timeoutMs = 30_000 }: ApiRequest): Promise<Answer> {
    try {
      const response = await io.fetch(connection.url + path, {
        method,
        // A redirect would turn a POST into a GET, and may lead the token elsewhere.
        redirect: "manual",
        signal: AbortSignal.any([io.interrupted, AbortSignal.timeout(timeoutMs)]),
        headers: {
          authorization: `Bearer ${connection.token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer = { status: response.status, headers: response.headers, body: await response.bytes() };
      hasAnswered = true;
      return answer;
    } catch (error) {
      io.interrupted.throwIfAborted();
      throw unreachable(connection, error);
    }
  }

  return async (request) => {
    const { isRead = request.method === "GET" } = request;
    for (const delayMs of isRead ? [...retryDelaysMs, undefined] : [undefined]) {
      const answer = await send(request).catch((error: unknown) => {
        if (!hasAnswered || delayMs === undefined) throw error;
        return undefined;
      });
      if (answer !== undefined && answer.status >= 200 && answer.status < 300) return answer.body;
      if (answer !== undefined) {
        const error = refusal(connection, answer);
        if (delayMs === undefined || !isTransient(answer.status) || error.retryAfterMs !== undefined) throw error;
      }
      await io.sleep(delayMs ?? 0, io.interrupted);
    }
    throw new TypeError("the last attempt either answers or throws");
  };
}

/** Sends a GET, and answers as soon as its body begins. @throws CliError for what is neither a success nor a redirect. */
export type OpenBody = (path: string, headers?: Readonly<Record<string, string>>) => Promise<Response>;

/** Opens bodies that are read as they come, such as streams and downloads. Nothing is tried again here. */
export function createBodyOpener(connection: Connection, io: Pick<Io, "fetch" | "interrupted">): OpenBody {
  return async (path, headers = {}) => {
    let response: Response;
    try {
      response = await io.fetch(connection.url + path, {
        // A redirect may lead the token elsewhere.
        redirect: "manual",
        signal: io.interrupted,
        headers: { ...headers, authorization: `Bearer ${connection.token}` },
      });
    } catch (error) {
      io.interrupted.throwIfAborted();
      throw unreachable(connection, error);
    }
    if (response.ok || response.status === 302) return response;
    throw refusal(connection, { status: response.status, headers: response.headers, body: await response.bytes() });
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** What proxies and servers answer while a service is away. */
function isTransient(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

const exitOf: Readonly<Record<number, keyof typeof exitCodes>> = {
  401: "denied",
  403: "denied",
  404: "notFound",
  409: "conflict",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

function refusal({ url, source }: Connection, { status, headers, body }: Answer): CliError {
  const parsed = errorBody.safeParse(parseJson(body));
  if (parsed.success) {
    const { code, message, problems = [] } = parsed.data.error;
    const exit = code === "invalid-spec" ? "invalidSpec" : (exitOf[status] ?? "refused");
    const retryAfter = headers.get("retry-after") ?? "";
    const wait = /^\d{1,6}$/u.test(retryAfter) ? { retryAfterMs: Number(retryAfter) * 1000 } : {};
    return new CliError(exit, code, message, { problems, ...wait });
  }
  if (isTransient(status)) {
    return new CliError("unavailable", "unavailable", `${url} answers that it is unavailable (HTTP ${status}).`, {
      remedy: "Try again in a moment; if it stays so, look at the server's log.",
    });
  }
  const location = headers.get("location");
  const elsewhere = location === null ? "" : ` and points to ${location}`;
  return new CliError(
    "notUnderstood",
    "not-octobatch",
    `${url} answers HTTP ${status}${elsewhere}, which Octobatch does not.`,
    {
      remedy: `Check the address: it comes from ${source}.`,
    },
  );
}

function unreachable({ url, source }: Connection, error: unknown): CliError {
  const why = reasonOf(error);
  const fromFile = source.endsWith("connection.json");
  return new CliError("unavailable", "unreachable", `${url} cannot be reached: ${why}.`, {
    remedy: fromFile
      ? `The address comes from ${source}. Start the server again with \`octobatch dev\`.`
      : `The address comes from ${source}. Check it, and whether the server runs.`,
    cause: error,
  });
}

/** Why no answer came from a server, in people's words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "it did not answer in time";
  // undici puts the system's error into the cause, and a code on it.
  const cause = error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ECONNRESET: "the connection was cut",
    UND_ERR_SOCKET: "the connection was cut",
    ENOTFOUND: "the host name is unknown",
    EAI_AGAIN: "the host name cannot be looked up now",
  };
  return known[cause?.code ?? ""] ?? (cause?.message || error.message);
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}
