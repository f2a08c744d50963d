import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStepChannel } from "./pod/step-channel.ts";
import { pipes } from "./pod-layout.ts";
import { stepCommand } from "./step-command.ts";

/** Every shell of this machine that calls itself POSIX. */
const shells = ["dash", "bash", "busybox"].filter((shell) => spawnSync(shell, ["--help"]).error === undefined);

/** Far more than is kept of what is said. */
const lineBytes = 64 << 20;

let directory: string;
const shellsAtWork: ChildProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-step-"));
  const paths = Object.values(pipes).map((name) => join(directory, name));
  spawnSync("sh", ["-c", 'mkfifo "$@"', "sh", ...paths]);
});
afterEach(async () => {
  for (const child of shellsAtWork.splice(0)) endGroup(child);
  await rm(directory, { recursive: true, force: true });
});

describe.each(shells)("with %s", (shell) => {
  /** As in a container of its own, where what we bring is elsewhere. */
  async function start(script: string) {
    await writeFile(join(directory, "start"), script);
    const channel = await openStepChannel(directory);
    const command = stepCommand[2]
      .replaceAll("/run/octobatch", directory)
      .replaceAll('sh "$own', `${shell} ${shell === "busybox" ? "sh " : ""}"$own`);
    const child = spawn(shell, [...(shell === "busybox" ? ["sh"] : []), "-c", command], {
      stdio: "ignore",
      detached: true,
    });
    shellsAtWork.push(child);
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    await channel.arrived();
    const printed: string[] = [];
    const listen = () => channel.listen((stream, bytes) => void printed.push(`${stream}: ${bytes.toString("utf8")}`));
    return {
      channel,
      printed,
      listen,
      exited,
      /** Says that its time is over until its shell has gone, as whoever keeps its time does. */
      async timeIsOver() {
        const again = setInterval(() => void channel.over(), 20);
        const code = await exited.finally(() => clearInterval(again));
        // In its container the kernel ends the rest now.
        endGroup(child);
        return code;
      },
      kill: () => child.kill("SIGKILL"),
      endRest: () => endGroup(child),
      end() {
        channel.close();
        endGroup(child);
      },
    };
  }

  test("the script runs when it is its turn, and its end and output are told", async () => {
    const step = await start("echo out; echo err >&2; exit 3");
    await step.channel.go("run");
    expect(await step.listen()).toEqual({ end: "exited", exitCode: 3 });
    expect(step.printed.toSorted()).toEqual(["stderr: err\n", "stdout: out\n"]);
    expect(await step.exited).toBe(0);
    step.end();
  });

  test("a step that is let pass runs nothing", async () => {
    const step = await start(`echo ran > ${directory}/ran`);
    await step.channel.go("skip");
    expect(await step.exited).toBe(0);
    await expect(readFile(join(directory, "ran"))).rejects.toThrow(/ENOENT/);
    step.end();
  });

  test("when its time is over the shell ends, whatever the script does", async () => {
    const step = await start('trap "" TERM HUP; echo begun; exec sleep 600');
    await step.channel.go("run");
    const begun = Promise.withResolvers<void>();
    const ended = step.channel.listen(() => begun.resolve());
    await begun.promise;
    expect(await step.timeIsOver()).toBe(0);
    expect(await ended).toEqual({ end: "timed-out", exitCode: 137 });
    step.end();
  });

  test("a script that is killed with its shell has ended all the same", async () => {
    const step = await start("kill -KILL $PPID; kill -KILL $$");
    await step.channel.go("run");
    expect(await step.listen()).toEqual({ end: "exited", exitCode: 137 });
    step.end();
  });

  test("a script that says that it has ended, and goes on, is timed all the same", async () => {
    const step = await start(`printf 'exited 0\\nexited 0\\n' >${directory}/told; echo begun; exec sleep 600`);
    await step.channel.go("run");
    const begun = Promise.withResolvers<void>();
    const ended = step.channel.listen(() => begun.resolve());
    await begun.promise;
    expect(await step.timeIsOver()).toBe(0);
    expect(await ended).toMatchObject({ end: "timed-out", doubt: expect.any(String) });
    step.end();
  });

  test.each([
    ["another word", "echo x", 0, 1],
    ["an empty line", "echo", 0, 1],
    ["its own end", "echo exited 0", 0, 1],
    ["its own end, before another", "echo exited 0", 3, 3],
    ["half a line", "printf x", 0, 1],
    ["a long text", "seq 1 100", 4, 4],
  ])("a script that writes %s where its shell does has failed", async (_, write, exitCode, known) => {
    const step = await start(`${write} >${directory}/told; exit ${exitCode}`);
    await step.channel.go("run");
    expect(await step.listen()).toEqual({
      end: "exited",
      exitCode: known,
      doubt: expect.stringContaining("/run/octobatch"),
    });
    expect(await step.exited).toBe(0);
    step.end();
  });

  test("a line without an end is not kept", async () => {
    const step = await start(`head -c ${lineBytes} /dev/zero | tr '\\0' a >${directory}/told`);
    const before = process.memoryUsage().heapUsed;
    await step.channel.go("run");
    expect(await step.listen()).toMatchObject({ exitCode: 1, doubt: expect.any(String) });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(lineBytes / 2);
    step.end();
  });

  test("a shell that dies has not said how its step ended", async () => {
    const step = await start("echo begun; exec sleep 600");
    await step.channel.go("run");
    const begun = Promise.withResolvers<void>();
    const ended = step.channel.listen(() => begun.resolve());
    await begun.promise;
    step.kill();
    await step.exited;
    step.endRest();
    expect(await ended).toBeUndefined();
    step.end();
  });

  test("nobody listens to a channel that was closed", async () => {
    const step = await start("exec sleep 600");
    await step.channel.go("run");
    const ended = step.channel.listen(() => undefined);
    step.end();
    expect(await ended).toBeUndefined();
  });
});

/** A shell and what it started, as far as they still live. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // They have ended already.
  }
}
