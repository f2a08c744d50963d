import { Option, type Command } from "commander";
import { resolve } from "node:path";
import type { DevOptions } from "../dev/dev-settings.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Perform } from "../session.ts";
import { wholeNumber } from "./names.ts";

/** Runs the whole system in this process until it is told to end; answers what the process is to end with. */
export type RunDev = (options: DevOptions) => Promise<number>;

export function declareDev(program: Command, perform: Perform, runDev: RunDev = loadAndRunDev): void {
  program
    .command("dev")
    .option(
      "--github-url <address>",
      "address of GitHub's API, such as https://HOST/api/v3 (else OCTOBATCH_GITHUB_API_URL, else github.com)",
    )
    .option("--app-id <id>", "id of the GitHub App (else OCTOBATCH_GITHUB_APP_ID)")
    .option("--private-key <file>", "the App's private key, a PEM file (else the key in OCTOBATCH_GITHUB_PRIVATE_KEY)")
    .option("--webhook-secret <secret>", "the App's webhook secret (else OCTOBATCH_GITHUB_WEBHOOK_SECRET)")
    .option("--port <port>", "port for the API and the webhooks; 0 takes a free one", wholeNumber(0), 8080)
    .addOption(
      new Option("--isolation <mode>", "none runs steps without a sandbox: only for specs that you trust")
        .choices(["auto", "none"])
        .default("auto"),
    )
    .summary("run everything on this machine")
    .description(
      "Runs the whole system in this process, against the given GitHub App, until Ctrl-C: database, broker, all functions " +
        "and the sandbox. It keeps its data in --data and leaves connection.json there, by which the other commands find it.",
    )
    .action(
      perform(async ({ io, options: { data } }, options: Omit<DevOptions, "data">) => {
        const { githubUrl, appId, privateKey, webhookSecret, port, isolation } = options;
        const code = await runDev({
          githubUrl,
          appId,
          privateKey: privateKey === undefined ? undefined : resolve(io.cwd, privateKey),
          webhookSecret,
          port,
          isolation,
          data: resolve(io.cwd, data),
        });
        const known = Object.values(exitCodes).find((exitCode) => exitCode === code);
        return known ?? exitCodes.unexpected;
      }),
    );
}

/** Loaded when it is run: no other command pays for the whole system. */
const loadAndRunDev: RunDev = async (options) => {
  const { runDev } = await import("../dev/run-dev.ts");
  return runDev(options);
};
