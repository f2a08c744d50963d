import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { startGitHub } from "../github/local-github.ts";
import { documentedLimits } from "../github/limits/github-limits.ts";
import { openScratch } from "./scratch.ts";
import { table } from "./table.ts";

/** What selecting cost, as `--json` prints it. */
export interface SelectResult {
  readonly repositories: number;
  readonly graphqlRequests: number;
  /** Of the installation's GraphQL budget. */
  readonly points: number;
  readonly seconds: number;
  /** Of the process that selects: neither GitHub nor Postgres is in it. */
  readonly peakRssMb: number;
}

const organization = "fleet";
const worker = fileURLToPath(new URL("select-worker.ts", import.meta.url));
const report = z.object({ repositories: z.number(), seconds: z.number(), peakRssMb: z.number() });

/** Selects an organization of so many repositories with a filter on their files, in a process of its own. */
export async function benchSelect(repositories: number): Promise<SelectResult> {
  const scratch = await openScratch();
  const github = await startGitHub({ directory: join(scratch.directory, "github"), limits: documentedLimits });
  try {
    await github.addOrganization(organization);
    await github.addRepositories(repositories, {
      owner: organization,
      files: [{ "package.json": "{}\n" }, { "README.md": "# Nothing to do here\n" }],
    });
    const child = fork(worker, [], {
      // Little room, so that the peak shows what is kept, and not what the collector has not come round to.
      execArgv: ["--max-old-space-size=128"],
      env: {
        PATH: process.env["PATH"],
        DATABASE_URL: await scratch.database("select"),
        OCTOBATCH_GITHUB_API_URL: github.apiUrl,
        OCTOBATCH_GITHUB_APP_ID: String(github.app.id),
        OCTOBATCH_GITHUB_PRIVATE_KEY: github.app.privateKey,
        OCTOBATCH_GITHUB_WEBHOOK_SECRET: github.app.webhookSecret,
        BENCH_ORGANIZATION: organization,
      },
    });
    const [message] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => {
        throw new Error(`The process that selects ended with ${String(code)} before it was done.`);
      }),
    ]);
    await once(child, "exit");
    const graphql = github.requests.filter(({ kind }) => kind === "graphql");
    return {
      ...report.parse(message),
      graphqlRequests: graphql.length,
      points: github.peaks(organization).graphqlAnHour,
    };
  } finally {
    await github.close();
    await scratch.close();
  }
}

export function selectTable({ repositories, graphqlRequests, points, seconds, peakRssMb }: SelectResult): string {
  return table([
    ["repositories", String(repositories)],
    ["GraphQL requests", String(graphqlRequests)],
    ["GraphQL points", String(points)],
    ["time", `${seconds} s`],
    ["peak memory", `${peakRssMb} MB`],
  ]);
}
