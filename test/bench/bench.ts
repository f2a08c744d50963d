// `npm run bench -- select|publish|preview`: what selecting, publishing and previewing cost, in requests, points and seconds.
// Each prints a table for people and, with `--json`, one object as its last line.
import { parseArgs } from "node:util";
import { benchPreview } from "./preview-bench.ts";
import { brokenPreviewPromises, previewResult, previewTable } from "./preview-report.ts";
import { benchPublish, brokenPromises, publishTable } from "./publish-bench.ts";
import { benchSelect, selectTable } from "./select-bench.ts";

const usage = `npm run bench -- select [--repos N] [--json]
npm run bench -- publish [--pull-requests N] [--json]
npm run bench -- preview [--repos N] [--rounds N] [--at-once N,N,…] [--round-trip-ms N] [--json]

  select    selects the repositories of one organization, and counts what that asks of GitHub
  publish   publishes as many pull requests at GitHub's documented limits, in virtual time: with pacing and without
  preview    previews a campaign of three steps, cold and warm, in turn with bare git clones of the same repositories

  --repos N          how many repositories the organization has (default 5000; to preview, 100)
  --pull-requests N  how many pull requests (default 1500)
  --rounds N         how often a preview is measured; medians are shown (default 3)
  --at-once N,N,…    how many repositories are worked on at once, one number after the other (default 1,2,4)
  --round-trip-ms N  how far away GitHub is when previewing (default 0: on this machine, where git clones are quickest)
  --json             one JSON object as the last line

Exit codes: 0 done, 1 it went wrong or is not as promised, 64 wrong usage.`;

/** The command line is not one; the message says what was expected. */
class WrongUsage extends Error {}

function wholeNumber(option: string, text: string, least = 1): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= 100_000) return value;
  throw new WrongUsage(`${option} ${text}: expected a whole number from ${least} to 100000.`);
}

function commandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        repos: { type: "string" },
        "pull-requests": { type: "string", default: "1500" },
        rounds: { type: "string", default: "3" },
        "at-once": { type: "string", default: "1,2,4" },
        "round-trip-ms": { type: "string", default: "0" },
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
      const result = await benchSelect(wholeNumber("--repos", values.repos ?? "5000"));
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
    case "preview": {
      const measured = await benchPreview({
        repositories: wholeNumber("--repos", values.repos ?? "100"),
        rounds: wholeNumber("--rounds", values.rounds),
        concurrencies: values["at-once"].split(",").map((text) => wholeNumber("--at-once", text)),
        roundTripMs: wholeNumber("--round-trip-ms", values["round-trip-ms"], 0),
      });
      const result = previewResult(measured);
      console.log(previewTable(measured));
      if (values.json) console.log(JSON.stringify(result));
      keep(brokenPreviewPromises(result));
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
