import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SandboxStep, TransformJob } from "#shared/ports/sandbox.ts";
import type { StepInputs } from "#shared/transform/step-inputs.ts";
import { shellQuote } from "../../process/shell-quote.ts";
import { inPrivate, inWork, launchFiles, stepPaths, subPaths } from "../pod-layout.ts";

/**
 * Writes what a step runs and reads, just before its turn. All of it lies in directories that no earlier step could reach.
 * The values of secrets are not in it: its container has them from the cluster.
 */
export async function placeStep(
  job: Pick<TransformJob, "workspace" | "limits">,
  step: SandboxStep,
  index: number,
  inputs: StepInputs,
): Promise<void> {
  const control = inPrivate(subPaths.control(index));
  await writeFile(join(control, launchFiles.script), inputs.script);
  await writeFile(join(control, launchFiles.start), startScript(job, step, inputs.environment));
  for (const [at, { path, belowTmp, content }] of inputs.files.entries()) {
    if (!belowTmp) {
      await writeFile(inPrivate(subPaths.file(index, at)), content);
      continue;
    }
    const target = inWork(join(subPaths.temporary(index), path.slice("/tmp/".length)));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

/** The image's own PATH is kept. A limit of processes is an option of `ulimit` that shells do not agree on. */
function startScript(
  { workspace, limits }: Pick<TransformJob, "workspace" | "limits">,
  step: SandboxStep,
  environment: Readonly<Record<string, string>>,
): string {
  const variables = { HOME: "/tmp", TMPDIR: "/tmp", LANG: "C.UTF-8", ...environment };
  return [
    "unset LC_ALL",
    ...Object.entries(variables)
      .filter(([name]) => typeof step.env[name] !== "object")
      .map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    "ulimit -c 0",
    `(ulimit -u ${limits.processes}) 2>/dev/null && ulimit -u ${limits.processes} || { (ulimit -p ${limits.processes}) 2>/dev/null && ulimit -p ${limits.processes}; }`,
    `cd ${shellQuote(join(stepPaths.workspace, workspace.path))}`,
    `exec sh ${stepPaths.own}/${launchFiles.script}`,
    "",
  ].join("\n");
}
