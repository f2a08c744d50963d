import { fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import { sandboxContract } from "#shared/testing/sandbox.contract.ts";
import { isolationMissing } from "#shared/testing/isolation.ts";
import { aJob, openSandboxWorld, type SandboxWorld } from "#shared/testing/sandbox-world.ts";
import type { IsolationKind } from "./isolation.ts";
import { createProcessSandbox, type ProcessSandboxOptions } from "./process-sandbox.ts";

function openSandbox(
  world: SandboxWorld,
  options: { isolation?: IsolationKind; slots?: number } & Partial<
    Pick<ProcessSandboxOptions, "toolDirectories" | "mayBegin" | "codeHost" | "blobs" | "sourceCacheBytes">
  > = {},
): ReturnType<typeof createProcessSandbox> {
  return createProcessSandbox({
    codeHost: world.codeHost,
    blobs: world.blobs,
    reported: world.reported,
    secrets: (name) => world.secrets.get(name),
    workDirectory: join(world.directory, "work"),
    slots: 2,
    clock: systemClock,
    ...options,
  });
}

for (const isolation of ["bubblewrap", "unshare"] as const) {
  const missing = await isolationMissing(isolation);
  describe.skipIf(missing !== undefined)(`with ${isolation} ${missing ?? ""}`, () => {
    sandboxContract("the process sandbox", (world) => Promise.resolve(openSandbox(world, { isolation })));
  });
}

describe("the process sandbox on its machine", () => {
  let world: SandboxWorld;
  const opened: ReturnType<typeof createProcessSandbox>[] = [];
  const open = (...options: Parameters<typeof openSandbox> extends [unknown, ...infer Rest] ? Rest : never) => {
    const sandbox = openSandbox(world, ...options);
    opened.push(sandbox);
    return sandbox;
  };
  beforeEach(async () => {
    world = await openSandboxWorld();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((sandbox) => sandbox.close()));
    await world.close();
  });

  test("a step has all the processes that it may, whatever came before it", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const sandbox = open();
    const steps = Array.from({ length: 8 }, () => "sleep 0.01 | cat | cat | cat");
    const job = aJob(source, steps);
    await sandbox.start({ ...job, limits: { ...job.limits, processes: 8 } });
    await world.report(job.executionId);
    const result = await world.result(job);
    expect(result.steps.map(({ status }) => status)).toEqual(steps.map(() => "ran"));
  });

  test("a commit that was damaged on the disk can be tried again, and is fetched for that", async () => {
    const source = await world.addRepository("plain", "head -c 30000 /dev/urandom | base64 > README.md");
    const sandbox = open({ sourceCacheBytes: 1 << 30 });
    const run = async (script: string) => {
      const job = aJob(source, [script]);
      await sandbox.start(job);
      await world.report(job.executionId);
      return (await world.result(job)).outcome;
    };
    expect(await run("echo 1 > x")).toMatchObject({ status: "patch" });
    const sources = join(world.directory, "work", "sources");
    const names = await readdir(sources, { recursive: true });
    const pack = join(sources, names.find((name) => name.endsWith(".pack")) ?? "");
    const bytes = await readFile(pack);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    await chmod(pack, 0o644);
    await writeFile(pack, bytes);

    const failure = { kind: "infrastructure", message: expect.stringMatching(/base commit was damaged/) };
    expect(await run("echo 2 > x")).toMatchObject({ status: "failed", retryable: true, failure });
    expect(await run("echo 3 > x")).toMatchObject({ status: "patch" });
  });

  test("a killed process leaves nothing running, and the next one clears away and starts again", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const marker = `987654.${process.pid}`;
    const job = aJob(source, [{ run: `setsid sleep ${marker} & sleep ${marker}`, timeoutMs: 600_000 }]);
    const workDirectory = join(world.directory, "work");
    const host = fork(fileURLToPath(new URL("sandbox-host.fixture.ts", import.meta.url)), {
      execArgv: [],
      serialization: "advanced",
    });
    host.send({ job, workDirectory, url: `${world.server.url}/plain.git`, token: world.server.token });
    await until(async () => (await processesWith(marker)).length >= 2);
    host.kill("SIGKILL");
    await once(host, "exit");
    await until(async () => (await processesWith(marker)).length === 0);
    expect(await readdir(workDirectory)).toHaveLength(1);

    const sandbox = open();
    expect(await sandbox.inspect(job)).toMatchObject({ status: "unknown" });
    await sandbox.start({ ...job, steps: aJob(source, ["echo x > y"]).steps });
    await world.report(job.executionId);
    expect((await world.result(job)).outcome.status).toBe("patch");
    await sandbox.close();
    expect(await readdir(workDirectory)).toEqual([]);
  });

  test("closing ends what runs and what waits", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const marker = `976543.${process.pid}`;
    const sandbox = open({ slots: 1 });
    await sandbox.start(aJob(source, [`sleep ${marker}`]));
    await until(async () => (await processesWith(marker)).length > 0);
    for (let count = 0; count < 3; count += 1) await sandbox.start(aJob(source, ["true"]));
    await sandbox.close();
    expect(await processesWith(marker)).toEqual([]);
    expect(world.reports).toEqual([]);
    await expect(sandbox.start(aJob(source, ["true"]))).rejects.toThrow(/closing/);
  });

  test("a step for which the ones before it left no room on the disk has run into the limit", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const fill = "cat /dev/zero >filling 2>/dev/null || true";
    const needs = { run: "true", files: { "/tmp/needed": "x".repeat(100_000) } };
    const job = aJob(source, [fill, needs], { diskBytes: 4 << 20 });
    await open().start(job);
    await world.report(job.executionId);
    const message = expect.stringMatching(/^Step 2 could not begin: .*disk/);
    expect((await world.result(job)).outcome).toMatchObject({
      retryable: false,
      failure: { kind: "limit", step: 1, message },
    });
  });

  test("what was about to start when it closed is refused", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const sandbox = open({
      blobs: {
        ...world.blobs,
        async get(key) {
          asked.resolve();
          await answer.promise;
          return world.blobs.get(key);
        },
      },
    });
    const job = aJob(source, ["true"]);
    const starting = sandbox.start(job);
    await asked.promise;
    await sandbox.close();
    answer.resolve();
    await expect(starting).rejects.toThrow(/closing/);
  });

  test("the operator's tools come first in the path and can be run", async () => {
    const tools = join(world.directory, "tools");
    await mkdir(tools);
    await writeFile(join(tools, "codemod"), "#!/bin/sh\necho modded\n", { mode: 0o755 });
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, ["codemod > out.txt"]);
    await open({ toolDirectories: [tools] }).start(job);
    await world.report(job.executionId);
    expect((await world.patch(await world.result(job))).contents).toMatchObject([{ path: "out.txt" }]);
  });

  test("what is cancelled while it waits for its turn does not wait any longer", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const sandbox = open({ slots: 1 });
    const marker = `965432.${process.pid}`;
    const first = aJob(source, [{ run: `sleep ${marker}`, timeoutMs: 600_000 }]);
    const waiting = aJob(source, ["true"]);
    await sandbox.start(first);
    // Whichever has its commit first takes the place.
    await until(async () => (await processesWith(marker)).length > 0);
    await sandbox.start(waiting);
    await sandbox.cancel(waiting.executionId);
    expect((await sandbox.inspect(waiting)).status).toBe("unknown");
    expect((await sandbox.inspect(first)).status).toBe("running");
  });

  test("what waits for its turn says so, and begins only if it still may when it has a place", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const asked: string[] = [];
    const sandbox = open({
      slots: 1,
      async mayBegin({ executionId }) {
        asked.push(executionId);
        return executionId !== held.executionId;
      },
    });
    const marker = `954321.${process.pid}`;
    const first = aJob(source, [{ run: `sleep ${marker}`, timeoutMs: 600_000 }]);
    const ahead = aJob(source, ["echo one > README.md"]);
    const held = aJob(source, ["echo held > README.md"]);
    const last = aJob(source, ["echo two > README.md"]);
    expect(await sandbox.start(first)).toBeUndefined();
    await until(async () => (await processesWith(marker)).length > 0);
    expect(await sandbox.start(ahead)).toBeUndefined();
    const waitingFor = "a free place: 1 transforms run on this machine at once";
    expect([await sandbox.start(held), await sandbox.start(last)]).toEqual([{ waitingFor }, { waitingFor }]);
    expect(await sandbox.start(held)).toEqual({ waitingFor });
    expect(await sandbox.inspect(held)).toEqual({ status: "running", waitingFor });
    // One has begun ahead of its turn: it has its commit, and waits for a place to run its steps.
    const waits = { status: "running", waitingFor };
    await until(async () => isDeepStrictEqual(await sandbox.inspect(ahead), waits));
    await sandbox.cancel(first.executionId);
    await world.report(last.executionId);
    expect(asked).toEqual([held.executionId, last.executionId]);
    expect(await sandbox.inspect(held)).toEqual({ status: "unknown" });
    expect(world.reports).toEqual([ahead.executionId, last.executionId]);
  });

  test("what waited for its turn does not say so any more once it has begun", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const codeHost = {
      async gitAccess(repository: { readonly name: string }) {
        if (repository.name === "slow") {
          asked.resolve();
          await answer.promise;
        }
        return world.codeHost.gitAccess(repository);
      },
    };
    const sandbox = open({ slots: 1, codeHost });
    const jobs = [aJob(source, ["true"]), aJob(source, ["true"])];
    const slow = aJob(await world.addRepository("slow", "echo one > README.md"), ["true"]);
    for (const job of jobs) await sandbox.start(job);
    expect(await sandbox.start(slow)).toEqual({ waitingFor: expect.stringMatching(/free place/) });
    await asked.promise;
    expect(await sandbox.inspect(slow)).toEqual({ status: "running", waitingFor: undefined });
    answer.resolve();
    await world.report(slow.executionId);
  });

  test("without isolation, a daemon that left its group costs nobody their turn", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const sandbox = open({ isolation: "none", slots: 1 });
    const job = aJob(source, ["setsid sleep 20 & echo said"]);
    await sandbox.start(job);
    await world.report(job.executionId);
    expect(await world.log(await world.result(job))).toBe("said\n");
  });

  test("without isolation, which only the operator can ask for, steps still run and end", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const sandbox = open({ isolation: "none" });
    const job = aJob(source, ["echo two >> README.md; sleep 600 &"]);
    await sandbox.start(job);
    await world.report(job.executionId);
    expect((await world.patch(await world.result(job))).statistics.filesChanged).toBe(1);
    const slow = aJob(source, [{ run: "sleep 600", timeoutMs: 300 }, "true"]);
    await sandbox.start(slow);
    await world.report(slow.executionId);
    expect((await world.result(slow)).outcome).toMatchObject({ failure: { kind: "step-timeout" } });
    const files = aJob(source, [{ run: "true", files: { "/tmp/x": "x" } }]);
    await sandbox.start(files);
    await world.report(files.executionId);
    expect((await world.result(files)).outcome).toMatchObject({
      failure: { message: expect.stringMatching(/isolated/) },
    });
  });

  test("processes that a step started are gone from the machine once it has ended", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const marker = `965432.${process.pid}`;
    const job = aJob(source, [{ run: `(setsid sleep ${marker} &) ; sleep ${marker}`, timeoutMs: 500 }]);
    await open().start(job);
    await world.report(job.executionId);
    expect(await processesWith(marker)).toEqual([]);
  });
});

/** The processes of this machine that have the text on their command line. */
async function processesWith(text: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, "latin1").catch(() => "")));
  return lines.filter((line) => line.startsWith("sleep\0") && line.includes(text));
}

/** There is no event for what other processes do. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}
