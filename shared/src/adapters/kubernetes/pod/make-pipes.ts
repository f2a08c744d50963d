import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { filesToMount } from "../pod-containers.ts";
import { inPrivate, inWork, pipes, subPaths } from "../pod-layout.ts";

const runFile = promisify(execFile);

/**
 * Makes all that the containers after this one have mounted: a mount point that is missing would be made by the kubelet,
 * as it pleases. Making it twice changes nothing.
 */
export async function makePipes(job: Pick<TransformJob, "steps">): Promise<void> {
  await mkdir(inWork(subPaths.workspace), { recursive: true });
  await mkdir(inPrivate(subPaths.objects), { recursive: true });
  for (let index = 0; index <= job.steps.length; index += 1) {
    const control = inPrivate(subPaths.control(index));
    // The mount point of the base commit's objects lies in what is mounted read-only.
    await mkdir(join(control, "objects"), { recursive: true });
    await mkdir(join(control, "files"), { recursive: true });
    const step = job.steps[index];
    // A file that is mounted has to be there; what it says is written when it is known.
    for (const { at } of step === undefined ? [] : filesToMount(step)) {
      await writeFile(inPrivate(subPaths.file(index, at)), "");
    }
    await mkdir(inWork(subPaths.temporary(index)), { recursive: true });
    await mkdir(inWork(subPaths.sharedMemory(index)), { recursive: true });
    await runFile("mkfifo", ["-m", "600", ...Object.values(pipes).map((name) => join(control, name))]).catch(
      (error: unknown) => {
        if (!String(error).includes("File exists")) throw error;
      },
    );
  }
}
