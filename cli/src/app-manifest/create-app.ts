import { CliError } from "../cli-error.ts";
import { Interruption, type Io } from "../io.ts";
import { convertCode } from "./convert-code.ts";
import type { CredentialFile } from "./credential-file.ts";
import type { AppCredentials } from "./credentials.ts";
import { appsUrl, registrationUrl, settingsUrl, type GitHubSite, type Owner } from "./github-site.ts";
import { manifestOf, type OptionalPermission } from "./manifest.ts";
import { donePage, failedPage, startPage } from "./pages.ts";
import { renderCredentials, type CredentialFormat } from "./render-credentials.ts";
import { openReturnServer, type Return } from "./return-server.ts";

/** The App that is wanted, and where its credentials go. */
export interface WantedApp {
  readonly name: string;
  readonly publicUrl: string;
  readonly webhooks: boolean;
  readonly extra: readonly OptionalPermission[];
  readonly site: GitHubSite;
  readonly owner: Owner;
  readonly format: CredentialFormat;
  /** Empty until GitHub has answered. */
  readonly file: CredentialFile;
  /** Of the server that the browser comes back to; 0 takes a free one. */
  readonly port: number;
  readonly timeoutMs: number;
}

/** What may be said of the new App: none of it is secret. */
export interface CreatedApp extends Pick<AppCredentials, "id" | "clientId" | "slug" | "name" | "url"> {
  readonly installUrl: string;
  readonly settingsUrl: string;
  /** False when the App has no webhook, or GitHub told none. */
  readonly hasWebhookSecret: boolean;
}

/**
 * Has a person make an App on GitHub, and writes its credentials to the file. Running it twice makes two Apps; GitHub
 * asks the person each time.
 *
 * @param show Tells the person where to go.
 * @throws CliError when nobody came back in time, GitHub refused, the file could not be written, or it was interrupted.
 */
export async function createApp(
  wanted: WantedApp,
  io: Pick<Io, "fetch" | "sleep" | "interrupted">,
  show: (address: string) => Promise<void>,
): Promise<CreatedApp> {
  const { site, owner } = wanted;
  const server = await openReturnServer(wanted.port, ({ redirectUrl, state }) =>
    startPage(manifestOf({ ...wanted, redirectUrl }), registrationUrl(site, owner, state)),
  );
  try {
    await show(server.url);
    return await finish(await inTime(server.returned, wanted, io), wanted, io);
  } catch (error) {
    const reason: unknown = io.interrupted.reason;
    throw reason instanceof Interruption && !(error instanceof CliError) ? interrupted(reason, wanted) : error;
  } finally {
    await server.close();
  }
}

/** The browser that comes back. @throws CliError when none does within the time. @throws when it is interrupted. */
async function inTime(
  returned: Promise<Return>,
  { timeoutMs, ...wanted }: WantedApp,
  { sleep, interrupted: interruption }: Pick<Io, "sleep" | "interrupted">,
): Promise<Return> {
  const settled = new AbortController();
  const tooLate = async (): Promise<never> => {
    await sleep(timeoutMs, AbortSignal.any([interruption, settled.signal]));
    throw new CliError("timedOut", "timed-out", "Nobody came back from GitHub within --timeout.", {
      remedy: leftBehind(wanted),
    });
  };
  try {
    return await Promise.race([returned, tooLate()]);
  } finally {
    settled.abort();
  }
}

/** Buys the credentials, keeps them, and tells the browser what came of it. */
async function finish(
  browser: Return,
  wanted: WantedApp,
  io: Pick<Io, "fetch" | "sleep" | "interrupted">,
): Promise<CreatedApp> {
  try {
    const app = await convertCode(browser.code, wanted, io);
    await keep(app, wanted);
    const { id, clientId, slug, name, url, webhookSecret } = app;
    const installUrl = `${url}/installations/new`;
    await browser.answer(200, await donePage(name, installUrl));
    return {
      id,
      clientId,
      slug,
      name,
      url,
      installUrl,
      settingsUrl: settingsUrl(wanted.site, wanted.owner, slug),
      hasWebhookSecret: webhookSecret !== undefined,
    };
  } catch (error) {
    const { message, remedy = "" } = error instanceof CliError ? error : { message: "The terminal says why." };
    await browser.answer(502, await failedPage(message, remedy));
    throw error;
  }
}

/** @throws CliError that says how to get credentials anew: GitHub does not tell these again. */
async function keep(app: AppCredentials, { file, format, site, owner, publicUrl }: WantedApp): Promise<void> {
  try {
    await file.write(renderCredentials(format, { app, site, publicUrl }));
  } catch (cause) {
    // fs rejects with system errors only.
    const { code } = cause as NodeJS.ErrnoException;
    const message = `GitHub has made the App ${app.name} (id ${app.id}), but ${file.path} cannot be written (${code}).`;
    throw new CliError("refused", "not-written", message, {
      remedy:
        `GitHub does not tell its secrets again. Make a new private key and set a webhook secret at ` +
        `${settingsUrl(site, owner, app.slug)}, or delete the App there and run this again.`,
      cause,
    });
  }
}

function interrupted({ by }: Interruption, wanted: WantedApp): unknown {
  const exit = by === "SIGTERM" ? "terminated" : "interrupted";
  const word = exit === "terminated" ? "Terminated" : "Interrupted";
  return new CliError(exit, exit, `${word}.`, { remedy: leftBehind(wanted) });
}

function leftBehind({ site, owner }: Pick<WantedApp, "site" | "owner">): string {
  return `Nothing was written. If you have made the App on GitHub, delete it at ${appsUrl(site, owner)}, then run this again.`;
}
