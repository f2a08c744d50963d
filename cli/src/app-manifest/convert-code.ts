import { CliError } from "../cli-error.ts";
import { reasonOf } from "../http-client.ts";
import type { Io } from "../io.ts";
import { conversionAnswer, type AppCredentials } from "./credentials.ts";
import { appsUrl, type GitHubSite, type Owner } from "./github-site.ts";

const timeoutMs = 30_000;
/** How long it waits before it asks again. A code lives an hour, and GitHub converts it once, however often it is asked. */
const retryDelaysMs = [1000, 3000, 6000];

/**
 * Buys the credentials of a new App with the code that GitHub sent the browser back with. It cannot be interrupted but
 * between two attempts, since an answer that nobody reads is lost.
 *
 * @throws CliError that says what to do about the App, which is there by then; nothing of an answer's secrets is in it.
 */
export async function convertCode(
  code: string,
  { site, owner }: { readonly site: GitHubSite; readonly owner: Owner },
  io: Pick<Io, "fetch" | "sleep" | "interrupted">,
): Promise<AppCredentials> {
  const remedy = `GitHub has made the App. Delete it at ${appsUrl(site, owner)}, then run this again.`;
  for (const delayMs of [...retryDelaysMs, undefined]) {
    const answer = await ask(code, site, io).catch((cause: unknown) => {
      if (delayMs !== undefined) return undefined;
      const message = `${site.apiUrl} cannot be reached: ${reasonOf(cause)}.`;
      throw new CliError("unavailable", "unreachable", message, { remedy, cause });
    });
    if (answer !== undefined && (delayMs === undefined || answer.status < 500)) return read(answer, remedy);
    await io.sleep(delayMs ?? 0, io.interrupted);
  }
  throw new TypeError("the last attempt either answers or throws");
}

interface Answer {
  readonly status: number;
  /** For GitHub's support. */
  readonly requestId: string | null;
  readonly body: string;
}

async function ask(code: string, { apiUrl }: GitHubSite, { fetch }: Pick<Io, "fetch">): Promise<Answer> {
  const response = await fetch(`${apiUrl}/app-manifests/${encodeURIComponent(code)}/conversions`, {
    method: "POST",
    // A redirect may lead the code elsewhere, and whoever has it gets the key.
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: "application/vnd.github+json", "user-agent": "octobatch", "x-github-api-version": "2022-11-28" },
  });
  return {
    status: response.status,
    requestId: response.headers.get("x-github-request-id"),
    body: await response.text(),
  };
}

function read({ status, requestId, body }: Answer, remedy: string): AppCredentials {
  const told = `HTTP ${status}${requestId === null ? "" : `, request ${requestId}`}`;
  if (status === 404 || status === 422) {
    throw new CliError(
      "refused",
      "code-refused",
      `GitHub does not take the code for the App's credentials (${told}): it was used already, or is older than an hour.`,
      { remedy },
    );
  }
  if (status !== 201) {
    const exit = status >= 500 ? "unavailable" : "refused";
    throw new CliError(exit, "conversion-failed", `GitHub does not hand over the App's credentials (${told}).`, {
      remedy,
    });
  }
  const parsed = conversionAnswer.safeParse(parseJson(body));
  if (parsed.success) return parsed.data;
  // Issues name what was expected, never what was there.
  const because = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw new CliError("notUnderstood", "unexpected-answer", `GitHub's answer makes no sense here: ${because}.`, {
    remedy,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
