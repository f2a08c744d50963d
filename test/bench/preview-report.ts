import { columns } from "./table.ts";
import type { Measurement, PreviewBench, PreviewRounds } from "./preview-bench.ts";

/** As `--json` prints it; the seconds are medians at the concurrency at which the clones were quickest. */
export interface PreviewResult {
  readonly repositories: number;
  readonly cloneSeconds: number;
  readonly coldSeconds: number;
  readonly warmSeconds: number;
  readonly editedTextSteps: number;
  readonly editedLastStepSteps: number;
}

export function previewResult(bench: PreviewBench): PreviewResult {
  const { repositories, editedTextSteps, editedLastStepSteps } = bench;
  const best = bestForClones(bench);
  return {
    repositories,
    cloneSeconds: rounded(medianSeconds(best.clone)),
    coldSeconds: rounded(medianSeconds(best.cold)),
    warmSeconds: rounded(medianSeconds(best.warm)),
    editedTextSteps,
    editedLastStepSteps,
  };
}

const ways = ["clone", "cold", "warm"] as const;
const wayNames = { clone: "git clone --depth 1", cold: "preview, cold", warm: "preview, warm" };

/** A line for each way and concurrency: medians of the rounds. */
export function previewTable(bench: PreviewBench): string {
  const { repositories, roundTripMs, rounds, editedTextSteps, editedLastStepSteps } = bench;
  const head = ["", "at once", "s in all", "× clone", "ms a repository", "fetch", "steps", "diff", "KB fetched"];
  const rows = rounds.flatMap((at) =>
    ways.map((way) => {
      const median = medianOf(at[way]);
      const { seconds, timings, fetchedBytes } = median;
      const { fetchMs, stepsMs, diffMs } = timings ?? { fetchMs: 0, stepsMs: 0, diffMs: 0 };
      const shareOf = (ms: number): string =>
        timings === undefined ? "" : `${Math.round((100 * ms) / (fetchMs + stepsMs + diffMs))} %`;
      return [
        wayNames[way],
        String(at.concurrency),
        seconds.toFixed(2),
        (seconds / medianSeconds(at.clone)).toFixed(2),
        ((1000 * seconds) / repositories).toFixed(0),
        ...[fetchMs, stepsMs, diffMs].map(shareOf),
        (fetchedBytes / 1000).toFixed(0),
      ];
    }),
  );
  const count = rounds[0]?.clone.length ?? 0;
  return [
    columns([head, ...rows]),
    "",
    `Medians of ${count} rounds over ${repositories} repositories; clones and previews took turns. Shares are of what the`,
    "executions themselves took; commits are fetched ahead, while the steps of others run. To fetch is to lay out, too.",
    roundTripMs === 0
      ? "GitHub was on this machine: nothing was on its way for any time."
      : `What was sent to GitHub and its answer took ${roundTripMs} ms for the way.`,
    `Steps that ran with the pull request's title edited: ${editedTextSteps}; with the last of three steps edited: ${editedLastStepSteps}.`,
    `The seconds of --json are those of ${bestForClones(bench).concurrency} at once, at which the clones were quickest.`,
  ].join("\n");
}

/**
 * What was promised of previews and is not so; empty when all is. Only counts are judged: how many times a clone's time a
 * preview took differs with what else the machine does.
 */
export function brokenPreviewPromises(result: PreviewResult): readonly string[] {
  const { repositories, editedTextSteps, editedLastStepSteps } = result;
  return [
    ...(editedTextSteps > 0 ? [`${editedTextSteps} steps ran although only the title was edited`] : []),
    ...(editedLastStepSteps === repositories
      ? []
      : [`${editedLastStepSteps} steps ran instead of ${repositories} after the last step was edited`]),
  ];
}

function bestForClones({ rounds }: PreviewBench): PreviewRounds {
  const [best] = rounds.toSorted((a, b) => medianSeconds(a.clone) - medianSeconds(b.clone));
  if (best === undefined) throw new Error("Nothing was measured.");
  return best;
}

function medianSeconds(measurements: readonly Measurement[]): number {
  return medianOf(measurements).seconds;
}

/** The measurement in the middle by its seconds; of an even number, the quicker one. */
function medianOf(measurements: readonly Measurement[]): Measurement {
  const sorted = measurements.toSorted((a, b) => a.seconds - b.seconds);
  const median = sorted[Math.ceil(sorted.length / 2) - 1];
  if (median === undefined) throw new Error("Nothing was measured.");
  return median;
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
