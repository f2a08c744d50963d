import { Option, type Command } from "commander";
import { resolve } from "node:path";
import {
  appNameArgument,
  gitHubArgument,
  organizationArgument,
  patienceArgument,
  permissionsArgument,
  portArgument,
  publicUrlArgument,
} from "../app-manifest/arguments.ts";
import { reserveCredentialFile } from "../app-manifest/credential-file.ts";
import { isThisMachine, type GitHubSite } from "../app-manifest/github-site.ts";
import { defaultName, optionalPermissionNames, type OptionalPermission } from "../app-manifest/manifest.ts";
import { openBrowser } from "../app-manifest/open-browser.ts";
import { renderCreatedApp } from "../app-manifest/render-created-app.ts";
import type { CredentialFormat } from "../app-manifest/render-credentials.ts";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Perform, Session } from "../session.ts";

interface CreateOptions {
  readonly publicUrl: string;
  readonly organization?: string;
  readonly github: GitHubSite;
  readonly name?: string;
  readonly with: readonly OptionalPermission[];
  readonly webhooks: boolean;
  readonly format: CredentialFormat;
  readonly out?: string;
  readonly open: boolean;
  readonly port: number;
  readonly timeout: number;
}

const defaultFiles: Readonly<Record<CredentialFormat, string>> = {
  env: "octobatch-app.env",
  kubernetes: "octobatch-app.yaml",
};

const gitHubCom = "https://github.com";

export function declareApp(program: Command, perform: Perform): void {
  const app = program
    .command("app")
    .helpCommand(false)
    .summary("make the GitHub App")
    .description("Makes the GitHub App that Octobatch works as.");
  app
    .command("create")
    .requiredOption("--public-url <address>", "where people and GitHub reach Octobatch", publicUrlArgument)
    .option("--organization <name>", "who is to own the App; you, when it is left out", organizationArgument)
    .addOption(
      new Option("--github <address>", "the GitHub Enterprise Server to make it on, such as https://github.example.com")
        .argParser(gitHubArgument)
        .default(gitHubArgument(gitHubCom), gitHubCom),
    )
    .option("--name <name>", "its name; you can change it on GitHub before it is made", appNameArgument)
    .addOption(
      new Option("--with <permissions>", `permissions that some campaigns need: ${optionalPermissionNames.join(",")}`)
        .argParser(permissionsArgument)
        .default([], "none"),
    )
    .option("--no-webhooks", "for an Octobatch that GitHub cannot reach: pull requests are looked at now and then")
    .addOption(
      new Option("--format <format>", "settings for a shell, or Secrets for kubectl")
        .choices(["env", "kubernetes"])
        .default("env"),
    )
    .option("--out <file>", `file for the key and the secrets (default: ${Object.values(defaultFiles).join(" or ")})`)
    .option("--no-open", "do not open a browser")
    .option("--port <port>", "port on 127.0.0.1 that the browser comes back to; 0 takes a free one", portArgument, 0)
    .addOption(
      new Option("--timeout <duration>", "how long it waits for you, such as 90s, 10m or 2h")
        .argParser(patienceArgument)
        .default(patienceArgument("1h"), "1h"),
    )
    .summary("make the GitHub App in a browser, and keep its key")
    .description(
      "Makes the GitHub App with the permissions and webhooks that campaigns need: shows an address, at which GitHub asks you " +
        "whether to make it, and writes the App's key and secrets to a new file that only you can read. No secret is printed.",
    )
    .action(perform(create));
}

async function create(session: Session, options: CreateOptions) {
  const { io } = session;
  const { publicUrl, organization, github, name = defaultName(organization, publicUrl), format, webhooks } = options;
  if (webhooks) assertReachable(publicUrl, github);
  // Loaded when it is run: no other command pays for servers, pages and YAML.
  const { createApp } = await import("../app-manifest/create-app.ts");
  const file = await reserveCredentialFile(resolve(io.cwd, options.out ?? defaultFiles[format]));
  try {
    const app = await createApp(
      {
        name,
        publicUrl,
        webhooks,
        extra: options.with,
        site: github,
        owner: organization,
        format,
        file,
        port: options.port,
        timeoutMs: options.timeout,
      },
      io,
      (address) => show(session, address, options.open),
    );
    session.print(renderCreatedApp(app, { format, file: file.path, webhooks }), { app, format, file: file.path });
    return exitCodes.ok;
  } finally {
    await file.close();
  }
}

/** GitHub refuses webhooks to a machine that only itself can reach, once the person has gone all the way. */
function assertReachable(publicUrl: string, github: GitHubSite): void {
  if (!isThisMachine(new URL(publicUrl).hostname) || isThisMachine(new URL(github.url).hostname)) return;
  throw new CliError("usage", "unreachable-webhooks", `${github.url} cannot send webhooks to ${publicUrl}.`, {
    remedy: "Give the address by which GitHub reaches it, or add --no-webhooks.",
  });
}

/** Goes to standard error, with --json as a document of its own: without the address nobody could go on. */
async function show({ io, options }: Session, address: string, open: boolean): Promise<void> {
  const isOpened = open && (await openBrowser(address, io));
  if (options.json) {
    io.stderr.write(`${JSON.stringify({ open: address })}\n`);
    return;
  }
  const what = isOpened ? "Go on in your browser. If it shows nothing, open this in it:" : "Open this in a browser:";
  io.stderr.write(
    `${what}\n  ${address}\nWaiting for GitHub to send you back. Ctrl-C ends it; nothing is written then.\n`,
  );
}
