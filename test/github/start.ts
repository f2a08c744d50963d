import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startGitHub, type LocalGitHub } from "./local-github.ts";
import { documentedLimits, type LimitsSetting } from "./limits/github-limits.ts";
import { fillGitHub, organization } from "./fill.ts";

const help = `A GitHub on this machine, filled with the packages under node_modules.

  npm run github -- [--port 4010] [--directory .octobatch/github] [--count 60]

  --port N         where to listen on 127.0.0.1 (default 4010; 0 takes any free port)
  --directory DIR  where the bare repositories and the App's private key live
  --count N        how many repositories to make (default 60)
  --fleet N        so many more repositories in the organization fleet, which take no room until they are used (none)
  --limits WHICH   rate limits: off (default), documented as github.com's, or ghes for a server that has none
  --webhook URL    where the App's webhooks go (none by default)
  --help           this text

Git objects stay in the directory; pull requests, labels and tokens live in memory and end with the process.
Exit codes: 0 ended by SIGINT or SIGTERM, 2 wrong usage, 3 the port is in use.`;

interface Settings {
  readonly port: number;
  readonly directory: string;
  readonly count: number;
  readonly fleet: number;
  readonly limits: LimitsSetting;
  readonly webhook: string | undefined;
}

/** @throws Error that says what is wrong with the command line */
function settingsOf(args: readonly string[]): Settings | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "4010" },
      directory: { type: "string", default: ".octobatch/github" },
      count: { type: "string", default: "60" },
      fleet: { type: "string", default: "0" },
      limits: { type: "string", default: "off" },
      webhook: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const port = wholeNumber("--port", values.port, 0, 65_535);
  const count = wholeNumber("--count", values.count, 1, 10_000);
  if (values.webhook !== undefined && !URL.canParse(values.webhook))
    throw new Error(`--webhook ${values.webhook} is not a URL.`);
  const fleet = wholeNumber("--fleet", values.fleet, 0, 100_000);
  const limits = limitsOf(values.limits);
  return { port, count, fleet, limits, directory: resolve(values.directory), webhook: values.webhook };
}

function limitsOf(name: string): LimitsSetting {
  if (name === "documented") return documentedLimits;
  if (name === "off" || name === "ghes") return name;
  throw new Error(`--limits ${name}: expected off, documented or ghes.`);
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${option} ${text}: expected a whole number from ${least} to ${most}.`);
}

async function start(settings: Settings): Promise<LocalGitHub> {
  const { port, directory, webhook } = settings;
  await mkdir(directory, { recursive: true });
  const keyFile = join(directory, "app.private-key.pem");
  const secretFile = join(directory, "app.webhook-secret");
  // The App keeps its credentials from one start to the next, so that what was configured with them goes on working.
  const kept = async (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined);
  const [privateKey, webhookSecret] = await Promise.all([kept(keyFile), kept(secretFile)]);
  const github = await startGitHub({
    directory,
    port,
    limits: settings.limits,
    app: {
      clientId: "Iv23liOctobatchDemo0",
      ...(privateKey === undefined ? {} : { privateKey }),
      ...(webhookSecret === undefined ? {} : { webhookSecret }),
    },
    ...(webhook === undefined ? {} : { webhookUrl: webhook }),
  });
  await writeFile(keyFile, github.app.privateKey, { mode: 0o600 });
  await writeFile(secretFile, github.app.webhookSecret, { mode: 0o600 });
  const nodeModules = fileURLToPath(new URL("../../node_modules", import.meta.url));
  await fillGitHub(github, { directory: join(directory, "repositories"), count: settings.count, nodeModules });
  if (settings.fleet > 0) {
    await github.addOrganization("fleet");
    await github.addRepositories(settings.fleet, { owner: "fleet" });
  }
  console.log(`The local GitHub is at ${github.url}

  REST            ${github.apiUrl}
  GraphQL         ${github.url}/api/graphql
  App id          ${github.app.id} (client id ${github.app.clientId})
  private key     ${keyFile}
  webhook secret  ${github.app.webhookSecret}
  organization    ${organization}, ${github.repositories().length} repositories; the App is installed there
  a person        app-owner, with the token ${github.tokenOf("app-owner")}

Open ${github.url} to see repositories and pull requests and to merge by hand.
Clone with: git clone http://x-access-token:TOKEN@${new URL(github.url).host}/${organization}/NAME.git
Ctrl-C ends it.`);
  return github;
}

async function main(): Promise<void> {
  let settings: Settings | "help";
  try {
    settings = settingsOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nSee --help.`);
    process.exitCode = 2;
    return;
  }
  if (settings === "help") {
    console.log(help);
    return;
  }
  try {
    const github = await start(settings);
    const end = (): void => {
      void github.close();
    };
    process.once("SIGINT", end);
    process.once("SIGTERM", end);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    console.error(
      `Port ${settings.port} is in use. End what listens there, or choose another: npm run github -- --port 0`,
    );
    process.exitCode = 3;
  }
}

await main();
