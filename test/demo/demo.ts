// `npm run demo`: three campaigns over a local GitHub that is filled with the packages under node_modules. With `--once`
// it checks itself and ends; without, it stays for you to look around.
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startDev, type Dev } from "#cli/dev/start-dev.ts";
import { processIo } from "#cli/process-io.ts";
import { run } from "#cli/run.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { fillGitHub, organization } from "../github/fill.ts";
import { startGitHub, type LocalGitHub } from "../github/local-github.ts";
import { checkDemo, type DemoSummary } from "./check.ts";
import { expectedOutcomes } from "./expected.ts";

const usage = `npm run demo -- [--once] [--data DIRECTORY] [--port PORT] [--isolation auto|none]

  --once        check that all is as expected, print one JSON line, and end
  --data        where everything is kept; emptied first (default .octobatch/demo)
  --port        of Octobatch's API (default: a free one)
  --isolation   none runs the steps without a sandbox, on machines that cannot isolate`;

const io = processIo();
const campaignsDirectory = fileURLToPath(new URL("campaigns", import.meta.url));
const nodeModules = fileURLToPath(new URL("../../node_modules", import.meta.url));
const campaigns = ["license-and-security", "substr-to-slice", "deliberate-failures"];
const repositoryCount = 64;
const mergedCount = 4;
const secret = "demo-token-5f2b8c91e7";

const { values: flags } = parseArgs({
  options: {
    once: { type: "boolean", default: false },
    data: { type: "string", default: ".octobatch/demo" },
    port: { type: "string", default: "0" },
    isolation: { type: "string", default: "auto" },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) console.log(usage);
else process.exitCode = await demo();

async function demo(): Promise<number> {
  const startedAt = performance.now();
  const directory = resolve(flags.data);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });

  say("Filling a local GitHub with real packages …");
  const github = await startGitHub({ directory: join(directory, "github") });
  const repositories = await fillGitHub(github, {
    directory: join(directory, "github"),
    count: repositoryCount,
    nodeModules,
  });
  const expected = await expectedOutcomes(repositories);
  say(`  ${repositories.length} repositories at ${github.url}`);

  const dev = await startOctobatch(directory, github);
  github.setWebhookUrl(dev.webhookUrl);
  try {
    await assertIsolation(dev);
    const octobatch = (...args: readonly string[]): Promise<void> => type(dev, args);
    for (const name of campaigns) {
      await octobatch("apply", join(campaignsDirectory, `${name}.yaml`));
      await octobatch("preview", name);
    }
    await octobatch("diff", "substr-to-slice", `${organization}/${expected[1]?.patch[0] ?? ""}`);
    await octobatch("logs", "deliberate-failures", `${organization}/nanoid`);
    for (const name of campaigns) await octobatch("publish", name);

    say(`\nSomebody merges ${mergedCount} of the pull requests on GitHub …`);
    const open = github.repositories().filter(({ pullRequests }) => pullRequests.size > 0);
    for (const { owner, name, pullRequests } of open.slice(0, mergedCount)) {
      await github.mergePullRequest(`${owner.login}/${name}`, [...pullRequests.keys()][0] ?? 0);
    }
    await github.webhooksSettled();
    await dev.settled();
    for (const name of campaigns) await octobatch("status", name);
    await octobatch("audit", "verify");

    const { summary, differences } = await checkDemo({ dev, github, expected, merged: mergedCount, secret });
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    return await finish({ ...summary, seconds }, differences, dev, github);
  } finally {
    await dev.close();
    await github.close();
  }
}

async function startOctobatch(directory: string, github: LocalGitHub): Promise<Dev> {
  say("Starting Octobatch: Postgres, the functions and the broker between them …");
  const log = createWriteStream(join(directory, "octobatch.log"));
  const dev = await startDev(
    {
      githubUrl: github.apiUrl,
      appId: String(github.app.id),
      webhookSecret: github.app.webhookSecret,
      port: Number(flags.port),
      data: join(directory, "dev"),
      isolation: flags.isolation === "none" ? "none" : "auto",
    },
    {
      ...process.env,
      OCTOBATCH_GITHUB_PRIVATE_KEY: github.app.privateKey,
      OCTOBATCH_TOOL_DIRECTORIES: join(nodeModules, ".bin"),
      OCTOBATCH_READ_ONLY_DIRECTORIES: nodeModules,
      OCTOBATCH_SECRETS: JSON.stringify({ DEMO_TOKEN: secret }),
      OCTOBATCH_PULL_REQUESTS_PER_DAY: "20",
    },
    createLogger("info", log),
  );
  say(`  ${dev.url}`);
  return dev;
}

/** A machine that cannot isolate says so before anything runs. */
async function assertIsolation(dev: Dev): Promise<void> {
  const health = (await (await fetch(`${dev.url}/healthz`)).json()) as Readonly<Record<string, string>>;
  const sandbox = health["sandbox"];
  if (sandbox === "ok") return;
  throw new Error(`${sandbox}\nIf you trust the steps of the demo: npm run demo -- --isolation none`);
}

/** Runs a command of the CLI as a person would, and shows it. */
async function type(dev: Dev, args: readonly string[]): Promise<void> {
  say(`\n$ octobatch ${args.map((arg) => arg.replace(`${campaignsDirectory}/`, "")).join(" ")}`);
  const code = await run(args, { ...io, env: { ...io.env, OCTOBATCH_URL: dev.url, OCTOBATCH_TOKEN: dev.token } });
  if (code !== 0) throw new Error(`octobatch ${args.join(" ")} ended with ${code}.`);
}

async function finish(
  summary: DemoSummary,
  differences: readonly string[],
  dev: Dev,
  github: LocalGitHub,
): Promise<number> {
  for (const difference of differences) console.error(`not as expected: ${difference}`);
  if (flags.once) {
    console.log(JSON.stringify(summary));
    return differences.length === 0 ? 0 : 1;
  }
  say(`
That was ${summary.repositories} repositories, ${summary.patches} patches and ${summary.pullRequests} pull requests in ${summary.seconds} s. Now try:
  open ${github.url}        merge or close a pull request, then look again:
  npm run octobatch -- status license-and-security --data ${dev.directory}
  npm run octobatch -- diff license-and-security ${organization}/ms --data ${dev.directory}
  npm run octobatch -- pause license-and-security --data ${dev.directory}
Ctrl-C ends it.`);
  await new Promise((ended) => process.once("SIGINT", ended).once("SIGTERM", ended));
  return 0;
}

function say(text: string): void {
  console.log(text);
}
