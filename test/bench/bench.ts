// `npm run bench -- select|publish`: what selecting and publishing cost, in requests, points and seconds. Each prints a table
// for people and, with `--json`, one object as its last line.
import { parseArgs } from "node:util";
import { benchPublish, brokenPromises, publishTable } from "./publish-bench.ts";
import { benchSelect, selectTable } from "./select-bench.ts";

const usage = `npm run bench -- select [--repos N] [--json]
npm run bench -- publish [--pull-requests N] [--json]

  select    selects the repositories of one organization, and counts what that asks of GitHub
  publish   publishes as many pull requests at GitHub's documented limits, in virtual time: with pacing and without

  --repos N          how many repositories the organization has (default 5000)
  --pull-requests N  how many pull requests (default 1500)
  --json             one JSON object as the last line

Exit codes: 0 done, 1 it went wrong or is not as promised, 64 wrong usage.`;

/** The command line is not one; the message says what was expected. */
class WrongUsage extends Error {}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100_000) return value;
  throw new WrongUsage(`${option} ${text}: expected a whole number from 1 to 100000.`);
}

function commandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        repos: { type: "string", default: "5000" },
        "pull-requests": { type: "string", default: "1500" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (cause) {
    throw new WrongUsage(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function bench(): Promise<void> {
  const { values, positionals } = commandLine();
  if (values.help) {
    console.log(usage);
    return;
  }
  const [which, ...rest] = positionals;
  if (rest.length > 0) throw new WrongUsage(`${rest.join(" ")}: expected one benchmark.`);
  switch (which) {
    case "select": {
      const result = await benchSelect(wholeNumber("--repos", values.repos));
      console.log(selectTable(result));
      if (values.json) console.log(JSON.stringify(result));
      return;
    }
    case "publish": {
      const result = await benchPublish(wholeNumber("--pull-requests", values["pull-requests"]));
      console.log(publishTable(result));
      if (values.json) console.log(JSON.stringify(result));
      // Few pull requests are opened within the first minute, whose points they cannot share with a wait.
      if (result.pullRequests >= 500) keep(brokenPromises(result));
      return;
    }
    default:
      throw new WrongUsage(which === undefined ? "Which benchmark?" : `There is no benchmark ${which}.`);
  }
}

/** What is measured has to hold: a benchmark that goes wrong ends so. */
function keep(broken: readonly string[]): void {
  for (const promise of broken) console.error(`not as promised: ${promise}`);
  if (broken.length > 0) process.exitCode = 1;
}

try {
  await bench();
} catch (error) {
  const isUsage = error instanceof WrongUsage;
  console.error(isUsage ? `${error.message}\n\n${usage}` : error);
  process.exitCode = isUsage ? 64 : 1;
}
