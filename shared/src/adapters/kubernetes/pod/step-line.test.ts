import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { aJob, aSource } from "#shared/testing/sandbox-world.ts";
import { pipes } from "../pod-layout.ts";
import { endCommand, stepCommand } from "../step-command.ts";
import { openStepLine } from "./step-line.ts";

const job = aJob(aSource, ["true", "true"]);

let directory: string;
const shellsAtWork: ChildProcess[] = [];
const controlOf = (step: number): string => join(directory, String(step));
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-line-"));
  for (let step = 0; step <= job.steps.length; step += 1) {
    await mkdir(controlOf(step));
    makePipes(Object.values(pipes).map((name) => join(controlOf(step), name)));
  }
});
afterEach(async () => {
  for (const { pid } of shellsAtWork.splice(0)) endGroup(pid);
  await rm(directory, { recursive: true, force: true });
});

function makePipes(paths: readonly string[]): void {
  spawnSync("sh", ["-c", 'mkfifo "$@"', "sh", ...paths]);
}

/** @returns the exit code of what a container runs. */
async function container(step: number, [, , command]: readonly [string, string, string]): Promise<unknown> {
  const script = command.replaceAll("/run/octobatch", controlOf(step));
  const child = spawn("sh", ["-c", script], { stdio: "ignore", detached: true });
  shellsAtWork.push(child);
  const [code]: unknown[] = await once(child, "exit");
  return code;
}

test("when the first line is gone, a second one lets all go, the step that runs and those to come", async () => {
  await writeFile(join(controlOf(0), "start"), `echo begun >${directory}/begun; exec sleep 600`);
  makePipes([join(directory, "begun")]);
  const first = await openStepLine(job, controlOf);
  const running = container(0, stepCommand);
  const channel = await first.callUp(0);
  await channel.go("run");
  await once(spawn("cat", [join(directory, "begun")], { stdio: "ignore" }), "exit");

  const second = await openStepLine(job, controlOf);
  // Its death has closed what the first one had open.
  channel.close();
  await second.letAllGo("done");
  expect(await running).toBe(0);
  expect(await container(1, stepCommand)).toBe(0);
  expect(await container(2, endCommand)).toBe(0);
});

test("all are let go before they are there, and the pod fails where it is to", async () => {
  const line = await openStepLine(job, controlOf);
  await line.letAllGo("failed");
  expect(await container(0, stepCommand)).toBe(0);
  expect(await container(1, stepCommand)).toBe(0);
  expect(await container(2, endCommand)).toBe(1);
});

/** A shell and what it started, as far as they still live. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // They have ended already.
  }
}
