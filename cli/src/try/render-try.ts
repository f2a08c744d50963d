import type { Spec } from "#shared/spec/spec.ts";
import { repositoryName } from "../repository-name.ts";
import { oneLine, type Paint } from "../terminal.ts";
import type { TriedWorkspace } from "./run-steps.ts";
import type { TriedRepository } from "./tried-repository.ts";

/** The repository as people read it, with the workspace when there is one. */
export function nameOf({ owner, name }: TriedRepository, workspace: string): string {
  return repositoryName({ fullName: `${owner}/${name}`, ...(workspace !== "" && { workspace }) });
}

/** Before the steps run: on what they do, and what to keep in mind. */
export function renderBeginning(spec: Spec, repository: TriedRepository, paint: Paint): string {
  const { branch, commit, notes } = repository;
  const heading = oneLine(`${spec.name} on ${nameOf(repository, "")}, ${branch} at ${commit.slice(0, 12)}`);
  const lines = [
    paint("bold", heading),
    ...notes.map(oneLine),
    "The steps use the programs of this machine instead of their images.",
  ];
  return `${lines.join("\n")}\n`;
}

/** After the steps: how each ended, and why they went no further. */
export function renderEnd({ result }: TriedWorkspace, paint: Paint): string {
  const { outcome, steps, timings } = result;
  const ends = steps.map(({ index, status, exitCode, durationMs }) => {
    const code = exitCode === undefined || exitCode === 0 ? "" : ` with exit code ${exitCode}`;
    return `step ${index + 1} ${status}${code}${durationMs === 0 ? "" : ` in ${seconds(durationMs)}`}`;
  });
  const lines = [
    `== ${ends.join(", ")}; fetched in ${seconds(timings.fetchMs)}, compared in ${seconds(timings.diffMs)}`,
    ...(outcome.status === "failed" ? [paint("red", `== failed: ${oneLine(outcome.failure.message)}`)] : []),
    ...(outcome.status === "no-change" ? ["== no change"] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** Before a patch: whose it is, and how large. Git apply skips what comes before the first `diff --git`. */
export function renderPatchHeading(repository: TriedRepository, { workspace, result }: TriedWorkspace): string {
  const { outcome } = result;
  const { filesChanged, additions, deletions } =
    outcome.status === "patch" ? outcome.statistics : { filesChanged: 0, additions: 0, deletions: 0 };
  return `# ${oneLine(nameOf(repository, workspace))} (${filesChanged} files, +${additions} -${deletions})`;
}

/** For scripts. */
export function tryDocument(spec: Spec, repository: TriedRepository, tried: readonly TriedWorkspace[]): unknown {
  const { owner, name, branch, commit, notes } = repository;
  return {
    campaign: spec.name,
    repository: `${owner}/${name}`,
    branch,
    commit,
    notes,
    workspaces: tried.map(({ workspace, result, logs, patch }) => {
      const { outcome, steps, timings } = result;
      return {
        ...(workspace !== "" && { workspace }),
        status: outcome.status,
        ...(outcome.status === "failed" && { failure: outcome.failure.message }),
        ...(outcome.status === "patch" && { statistics: outcome.statistics }),
        steps: steps.map(({ logKey: _, ...step }) => ({
          ...step,
          log: Buffer.from(logs[step.index] ?? []).toString("utf8"),
        })),
        timings,
        diff: Buffer.from(patch).toString("utf8"),
      };
    }),
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
