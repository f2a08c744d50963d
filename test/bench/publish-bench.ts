import { documentedLimits, type GitHubLimits } from "../github/limits/github-limits.ts";
import { publishAll } from "./publish-all.ts";
import { openScratch } from "./scratch.ts";
import { table } from "./table.ts";

/** What publishing cost, as `--json` prints it. */
export interface PublishResult {
  readonly pullRequests: number;
  /** Requests meant to change something, those refused included; tokens are none. */
  readonly mutatingRequests: number;
  /** Refused for a limit, with pacing. */
  readonly refused: number;
  readonly virtualSeconds: number;
  /** The least that the limits of content creation allow. */
  readonly limitSeconds: number;
  /** Refused for a limit without pacing, in the first quarter of an hour: it would go on like that for hours. */
  readonly unpacedRefused: number;
}

const unpacedMs = 15 * 60_000;

/** Publishes as many pull requests as said at GitHub's documented limits, with pacing and without, in virtual time. */
export async function benchPublish(pullRequests: number): Promise<PublishResult> {
  const scratch = await openScratch();
  try {
    const limits = documentedLimits;
    const { refusals, ...paced } = await publishAll(scratch, { pullRequests, limits, isPaced: true });
    const unpaced = await publishAll(scratch, { pullRequests, limits, isPaced: false, forMs: unpacedMs });
    return {
      ...paced,
      refused: refusals.length,
      limitSeconds: limitSeconds(pullRequests, limits),
      unpacedRefused: unpaced.refusals.length,
    };
  } finally {
    await scratch.close();
  }
}

export function publishTable({ pullRequests, ...result }: PublishResult): string {
  const share = Math.round((1000 * result.limitSeconds) / Math.max(1, result.virtualSeconds)) / 10;
  return table([
    ["pull requests", String(pullRequests)],
    ["mutating requests", `${result.mutatingRequests} (${(result.mutatingRequests / pullRequests).toFixed(2)} each)`],
    ["refused for a limit", `${result.refused} with pacing; ${result.unpacedRefused} without, in 15 minutes`],
    ["virtual time", `${result.virtualSeconds} s`],
    ["least that the limits allow", `${result.limitSeconds} s: ${share} % of the throughput they allow`],
  ]);
}

/** When the last of so many contents can be created at the earliest: so many in any minute, and in any hour. */
export function limitSeconds(count: number, { contentAMinute, contentAnHour }: GitHubLimits): number {
  const createdAt: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const afterMinute = (createdAt[index - contentAMinute] ?? -60) + 60;
    const afterHour = (createdAt[index - contentAnHour] ?? -3600) + 3600;
    createdAt.push(Math.max(0, afterMinute, afterHour));
  }
  return createdAt.at(-1) ?? 0;
}

/** What was promised of publishing and is not so; empty when all is. */
export function brokenPromises(result: PublishResult): readonly string[] {
  const { pullRequests, mutatingRequests, refused, virtualSeconds, limitSeconds } = result;
  return [
    ...(refused > 0 ? [`${refused} requests were refused for a limit`] : []),
    ...(mutatingRequests > 5 * pullRequests ? ["more than 5 mutating requests a pull request"] : []),
    ...(limitSeconds < 0.95 * virtualSeconds ? ["less than 95 % of the throughput that the limits allow"] : []),
  ];
}
