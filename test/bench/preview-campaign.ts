import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseTransformResult, type TransformResult } from "#shared/execution/transform-result.ts";
import type { DevProcess } from "./dev-process.ts";

/** What tells the campaigns of the benchmark apart. */
export interface Campaign {
  readonly name: string;
  readonly organization: string;
  /** A comment in the first step: with another one, nothing that a step made can be used again. */
  readonly first: string;
  /** The same in the last step. */
  readonly last?: string;
  readonly title?: string;
}

export const stepsOfCampaign = 3;

/** Three steps over all repositories of an organization; each changes something, and none takes time to do so. */
export function specOf({ name, organization, first, last = "as it was", title = "Add what is missing" }: Campaign) {
  return `
version: 1
name: ${name}
on: [{ org: ${organization} }]
steps:
  - image: debian:12
    run: |
      # ${first}
      printf 'root = true\\n' > .editorconfig
  - image: debian:12
    run: printf '* text=auto\\n' >> .gitattributes
  - image: debian:12
    run: |
      # ${last}
      printf '# Security\\n' > SECURITY.md
pullRequest: { title: ${title}, body: "" }
`;
}

/** What a preview took, and what its executions left. */
export interface Previewed {
  readonly seconds: number;
  /** Of the executions that this preview brought about: one that was reused is not among them. */
  readonly results: readonly TransformResult[];
}

/**
 * Applies the campaign, previews it, and waits for the last result.
 * @throws Error unless every one of its repositories, of which there are so many, has a patch.
 */
export async function previewCampaign(
  { api, blobDirectory }: Pick<DevProcess, "api" | "blobDirectory">,
  campaign: Campaign,
  repositories: number,
): Promise<Previewed> {
  const { name } = campaign;
  const before = new Set(await resultFiles(blobDirectory, name));
  const startedAt = performance.now();
  await api.apply(specOf(campaign));
  const { run } = await api.preview(name);
  let status = await api.status(name);
  while (status.run?.number !== run.number || !status.run.finished) {
    await pause(nextLookMs(performance.now() - startedAt, status.run?.progress));
    status = await api.status(name);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { patches, selected } = status.run.progress;
  if (patches !== repositories) {
    const failure = status.run.failure ?? status.deadTasks.map(({ because }) => because).join("; ");
    throw new Error(
      `${name}: ${patches} of ${repositories} repositories have a patch (${selected} selected). ${failure}`,
    );
  }
  const files = (await resultFiles(blobDirectory, name)).filter((file) => !before.has(file));
  const results = await Promise.all(files.map(async (file) => parseTransformResult(await readFile(file))));
  return { seconds, results };
}

/**
 * How soon to look again: seldom while much is left, often towards the end. Each look costs the service a request, and the
 * measured time is as coarse as the last ones lie apart.
 */
export function nextLookMs(
  elapsedMs: number,
  progress: { readonly selected: number; readonly pending: number; readonly running: number } | undefined,
): number {
  const { selected = 0, pending = 0, running = 0 } = progress ?? {};
  const left = pending + running;
  const done = selected - left;
  if (done <= 0) return 100;
  return Math.min(1000, Math.max(20, (0.3 * elapsedMs * left) / done));
}

/** How many steps a sandbox really ran. */
export function stepsRun(results: readonly TransformResult[]): number {
  const ran = new Set<string>(["ran", "failed", "timed-out"]);
  return results.flatMap(({ steps }) => steps).filter(({ status }) => ran.has(status)).length;
}

/** The file system blob store keeps a blob in a file that ends in its name. */
function resultFiles(blobDirectory: string, campaign: string): Promise<readonly string[]> {
  return Array.fromAsync(glob(join(blobDirectory, "**", campaign, "**", "*result.json")));
}
