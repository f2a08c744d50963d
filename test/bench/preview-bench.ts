import { join } from "node:path";
import { startGitHub, type LocalGitHub } from "../github/local-github.ts";
import { cloneAll } from "./clone-all.ts";
import { putFarAway } from "./far-away.ts";
import { startDevProcess, type DevProcess } from "./dev-process.ts";
import { previewCampaign, stepsOfCampaign, stepsRun, type Previewed } from "./preview-campaign.ts";
import { openScratchDirectory } from "./scratch.ts";
import { addSmallRepositories } from "./small-repositories.ts";

export interface PreviewOptions {
  readonly repositories: number;
  /** Each measures everything once, at each concurrency. */
  readonly rounds: number;
  /** How many repositories at once. */
  readonly concurrencies: readonly number[];
  /** How long a request and its answer are on their way to GitHub and back; 0: it is on this machine. */
  readonly roundTripMs: number;
}

/** What one way of getting at all repositories took, once. */
export interface Measurement {
  readonly seconds: number;
  /** What git fetched from GitHub, as it went over the wire. */
  readonly fetchedBytes: number;
  /** Where an execution's time went, summed over all; a bare clone has none. */
  readonly timings?: Previewed["results"][number]["timings"];
}

/** All rounds at one concurrency. */
export interface PreviewRounds {
  readonly concurrency: number;
  readonly clone: readonly Measurement[];
  readonly cold: readonly Measurement[];
  readonly warm: readonly Measurement[];
}

export interface PreviewBench {
  readonly repositories: number;
  readonly roundTripMs: number;
  readonly rounds: readonly PreviewRounds[];
  /** Steps that ran when only the pull request's title was edited. */
  readonly editedTextSteps: number;
  /** Steps that ran when the last of three was edited. */
  readonly editedLastStepSteps: number;
}

const organization = "fleet";
/** Before anything is measured, the product has run over some others: what it loads and compiles then is nobody's cost. */
const rehearsal = { organization: "rehearsal", repositories: 20 };

/**
 * Previews a campaign of three steps over small repositories, cold and warm, in turn with bare `git clone --depth 1` of the
 * same repositories. GitHub is in this process, the product in one of its own, and a clone is one, too.
 */
export async function benchPreview(options: PreviewOptions): Promise<PreviewBench> {
  const { repositories, rounds, concurrencies, roundTripMs } = options;
  const scratch = await openScratchDirectory();
  const github = await startGitHub({ directory: join(scratch.directory, "github") });
  const far = roundTripMs === 0 ? undefined : await putFarAway({ url: github.url, roundTripMs });
  const url = far?.url ?? github.url;
  const apiUrl = github.apiUrl.replace(github.url, url);
  try {
    const directory = join(scratch.directory, "packages");
    const names = await addSmallRepositories(github, { organization, count: repositories, directory });
    await github.addOrganization(rehearsal.organization);
    for (let number = 0; number < rehearsal.repositories; number += 1) {
      await github.addRepository({ owner: rehearsal.organization, name: `stage-${number}` });
    }
    const urls = names.map((name) => `${url}/${organization}/${name}.git`);

    const measured = concurrencies.map((concurrency) => ({
      concurrency,
      clone: [] as Measurement[],
      cold: [] as Measurement[],
      warm: [] as Measurement[],
    }));
    let edited = { text: 0, lastStep: 0 };
    for (let round = 0; round < rounds; round += 1) {
      for (const at of measured) {
        const { concurrency } = at;
        const token = github.installationToken(organization);
        const clones = join(scratch.directory, "clones");
        at.clone.push(
          await fetching(github, async () => ({
            seconds: await cloneAll({ urls, token, concurrency, directory: clones }),
          })),
        );
        const dev = await startDevProcess({
          github,
          apiUrl,
          directory: join(scratch.directory, "dev"),
          settings: { OCTOBATCH_EXECUTIONS_AT_ONCE: String(concurrency) },
        });
        try {
          await previewCampaign(dev, { ...rehearsal, name: "rehearsal", first: "rehearsed" }, rehearsal.repositories);
          at.cold.push(await measurePreview(github, dev, { name: "cold", first: "cold" }, repositories));
          at.warm.push(await measurePreview(github, dev, { name: "warm", first: "warm" }, repositories));
          const isLast = round === rounds - 1 && at === measured.at(-1);
          if (isLast) edited = await measureEdits(dev, repositories);
        } finally {
          await dev.close();
        }
      }
    }
    const [editedTextSteps, editedLastStepSteps] = [edited.text, edited.lastStep];
    return { repositories, roundTripMs, rounds: measured, editedTextSteps, editedLastStepSteps };
  } finally {
    await far?.close();
    await github.close();
    await scratch.close();
  }
}

/** @throws Error when anything was used again: then it would be no measurement of running the steps. */
async function measurePreview(
  github: LocalGitHub,
  dev: DevProcess,
  campaign: { readonly name: string; readonly first: string },
  repositories: number,
): Promise<Measurement> {
  return fetching(github, async () => {
    const { seconds, results } = await previewCampaign(dev, { ...campaign, organization }, repositories);
    const ran = stepsRun(results);
    const expected = stepsOfCampaign * repositories;
    if (ran !== expected) throw new Error(`${campaign.name}: ${ran} steps ran instead of ${expected}.`);
    const timings = { fetchMs: 0, stepsMs: 0, diffMs: 0 };
    for (const result of results) {
      timings.fetchMs += result.timings.fetchMs;
      timings.stepsMs += result.timings.stepsMs;
      timings.diffMs += result.timings.diffMs;
    }
    return { seconds, timings };
  });
}

/** Edits a campaign that has been previewed, and counts the steps that run again. */
async function measureEdits(dev: DevProcess, repositories: number): Promise<{ text: number; lastStep: number }> {
  const campaign = { name: "warm", first: "warm", organization, title: "Add all that is missing" };
  const text = await previewCampaign(dev, campaign, repositories);
  const lastStep = await previewCampaign(dev, { ...campaign, last: "edited" }, repositories);
  return { text: stepsRun(text.results), lastStep: stepsRun(lastStep.results) };
}

/** What `measure` took, with the bytes that git got from GitHub meanwhile. */
async function fetching(
  github: LocalGitHub,
  measure: () => Promise<Omit<Measurement, "fetchedBytes">>,
): Promise<Measurement> {
  const before = github.requests.length;
  const measured = await measure();
  const git = github.requests.slice(before).filter(({ kind }) => kind === "git");
  return { ...measured, fetchedBytes: git.reduce((sum, { sentBytes }) => sum + sentBytes, 0) };
}
