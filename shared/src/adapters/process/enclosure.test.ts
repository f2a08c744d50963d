import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { isolationMissing } from "#shared/testing/isolation.ts";
import { openEnclosure, type Enclosure } from "./enclosure.ts";
import { shellLoop, type EnclosedLaunch } from "./enclosure-shell.ts";
import { isRoot } from "./isolation.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch it's # one-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const missing = await isolationMissing("unshare");

describe.skipIf(missing !== undefined)(`an enclosure ${missing ?? ""}`, () => {
  let enclosure: Enclosure;
  beforeEach(async () => {
    enclosure = await openEnclosure({ directory, volumeBytes: 4 << 20, asRoot: isRoot() });
  });
  afterEach(async () => {
    await enclosure.destroy();
  });

  function enter(script: string, options: Partial<EnclosedLaunch> = {}) {
    const printed = { stdout: "", stderr: "" };
    const launched = enclosure.enter({
      argv: ["/bin/sh", "-c", script],
      environment: { PATH: "/usr/bin:/bin" },
      directory: "/",
      onOutput: (stream, chunk) => void (printed[stream] += chunk.toString("utf8")),
      ...options,
    });
    return { launched, printed };
  }

  test("runs commands one after the other, and tells what each prints and how it ends", async () => {
    const first = enter("cat; echo err >&2; pwd; env; exit 3", {
      input: Buffer.from("given\n"),
      environment: { PATH: "/usr/bin:/bin", A: "it's\n1" },
      directory: "/usr",
    });
    expect(await first.launched.closed).toBe(3);
    expect(first.printed.stderr).toBe("err\n");
    expect(first.printed.stdout).toMatch(/^given\n\/usr\n[^]*^A=it's\n1$/m);
    expect(first.printed.stdout).not.toMatch(/NODE|VITEST|LC_ALL/);

    await writeFile(join(directory, "file"), "told\n");
    const second = enter("cat; cat <&3; kill -9 $$", { files: [join(directory, "file")] });
    expect(await second.launched.closed).toBe(137);
    expect(second.printed).toEqual({ stdout: "told\n", stderr: "" });
  });

  test("runs no second command meanwhile", async () => {
    const { launched } = enter("read -r line <&3", { files: ["/dev/zero"] });
    expect(() => enter("true")).toThrow(/one command at a time/);
    launched.kill();
    await launched.closed;
  });

  test("shows a volume that the machine does not see, and neither its processes nor its network", async () => {
    const { launched, printed } = enter(
      `echo x >"$VOLUME/x"; cat /proc/net/dev | tail -n +3; for id in /proc/[0-9]*; do echo "$id"; done`,
      { environment: { PATH: "/usr/bin:/bin", VOLUME: enclosure.volume } },
    );
    expect(await launched.closed).toBe(0);
    expect(printed.stdout).toMatch(/^\s*lo:.*$/m);
    expect(printed.stdout.split("\n").filter((line) => /^\s*\w+:/.test(line))).toHaveLength(1);
    expect(printed.stdout).toMatch(/^\/proc\/1$/m);
    expect(printed.stdout.split("\n").length).toBeLessThan(10);
    expect(await readdir(join(directory, "own"))).toEqual([]);
    expect(await readdir(enclosure.volumeFromHere)).toEqual(["x"]);
  });

  test("ends with the command that is killed, with what was printed until then, and runs nothing any more", async () => {
    const { launched, printed } = enter("sleep 600 & echo begun; sleep 600");
    while (printed.stdout === "") await new Promise((resolve) => setImmediate(resolve));
    launched.kill();
    expect(await launched.closed).toBeUndefined();
    expect(printed.stdout).toBe("begun\n");
    const next = enter("echo never");
    expect(await next.launched.closed).toBeUndefined();
    expect(next.printed.stdout).toBe("");
  });

  test("ends also when a command has stopped all of the enclosure's own group", async () => {
    const { launched, printed } = enter("echo $$; kill -STOP 0");
    while (!printed.stdout.includes("\n")) await new Promise((resolve) => setImmediate(resolve));
    const stat = join(enclosure.volumeFromHere.replace(enclosure.volume, ""), "proc", printed.stdout.trim(), "stat");
    while (!/\) T /.test(await readFile(stat, "latin1"))) await new Promise((resolve) => setImmediate(resolve));
    launched.kill();
    expect(await launched.closed).toBeUndefined();
  });

  test("ends when nobody is left to say how a command ended", async () => {
    const { launched, printed } = enter("echo said; kill -9 $PPID");
    expect(await launched.closed).toBeUndefined();
    expect(printed.stdout).toBe("said\n");
  });

  test("a command that closes its output early is waited for", async () => {
    const { launched } = enter("exec >&- 2>&-; sleep 2.5; exit 4");
    expect(await launched.closed).toBe(4);
  });

  test("a command cannot say by itself how it ended", async () => {
    const { launched } = enter(
      `for fd in 3 4 5 6 7 8 9; do for name in $(seq 99); do echo "$name 0"; done >&$fd; done 2>/dev/null; exit 4`,
    );
    expect(launched.id).toBeLessThan(99);
    expect(await launched.closed).toBe(4);
  });

  test("ends when something holds the output of a command long after it has ended", async () => {
    const { launched, printed } = enter("echo said; sleep 600 & exit 3");
    expect(await launched.closed).toBe(3);
    expect(printed.stdout).toBe("said\n");
    await enclosure.settle();
    expect(await enter("exit 4").launched.closed).toBeUndefined();
  });

  test("a command that leaves sessions behind has ended, and the enclosure settles when they have", async () => {
    const { launched } = enter("(setsid sleep 0.3 >/dev/null 2>&1 &)");
    expect(await launched.closed).toBe(0);
    await enclosure.settle();
    const { launched: look, printed } = enter("cat /proc/[0-9]*/comm");
    expect(await look.closed).toBe(0);
    expect(printed.stdout).not.toContain("sleep");
  });
});

/** An ordinary directory stands in for a control group: who joins it writes to a file. */
describe.skipIf(missing !== undefined)(`an enclosure with a control group ${missing ?? ""}`, () => {
  let group: string;
  let enclosure: Enclosure;
  beforeEach(async () => {
    group = join(directory, "cgroup.procs");
    await writeFile(group, "");
  });
  afterEach(async () => {
    await enclosure.destroy();
  });

  async function open(controlGroups = [group]): Promise<void> {
    enclosure = await openEnclosure({ directory, volumeBytes: 4 << 20, asRoot: isRoot(), controlGroups });
  }

  function enter(script: string, limited: boolean) {
    const printed = { stdout: "", stderr: "" };
    const launched = enclosure.enter({
      argv: ["/bin/sh", "-c", script],
      environment: { PATH: "/usr/bin:/bin" },
      directory: "/",
      limited,
      onOutput: (stream, chunk) => void (printed[stream] += chunk.toString("utf8")),
    });
    return { launched, printed };
  }

  test("joins it once, and has the same process start all that is limited, and nothing else", async () => {
    await open();
    const parents: string[] = [];
    for (const limited of [true, false, true]) {
      const look = `read -r id name state parent rest </proc/$PPID/stat; echo "$parent"; exit 3`;
      const { launched, printed } = enter(look, limited);
      expect(await launched.closed).toBe(3);
      parents.push(printed.stdout.trim());
    }
    expect(await readFile(group, "utf8")).toBe("0\n");
    expect(parents[0]).toBe(parents[2]);
    expect([parents[1], parents[0]]).toEqual(["1", expect.not.stringMatching(/^1$/)]);
  });

  test("is not what the kernel ends when memory runs out, unlike what it starts", async () => {
    const own = await readFile("/proc/self/oom_score_adj", "utf8");
    await open();
    const { launched, printed } = enter(
      `read -r id name state parent rest </proc/$PPID/stat; cat /proc/self/oom_score_adj "/proc/$parent/oom_score_adj"`,
      true,
    );
    expect(await launched.closed).toBe(0);
    // To be spared is the right of root with CAP_SYS_RESOURCE, which containers seldom have.
    const spared = spawnSync("/bin/sh", ["-c", "echo -1000 >/proc/self/oom_score_adj && cat /proc/self/oom_score_adj"]);
    expect(printed.stdout).toBe(own + (spared.status === 0 ? "-1000\n" : own));
  });

  test("runs nothing that is limited when it cannot be joined", async () => {
    await open([join(directory, "missing", "cgroup.procs")]);
    const refused = enter("echo never", true);
    expect(await refused.launched.closed).toBe(125);
    expect(refused.printed.stderr).toMatch(/the control group of \S.*missing\/cgroup.procs cannot be joined/);
    expect(refused.printed.stdout).toBe("");
    expect(await enter("exit 4", false).launched.closed).toBe(4);
  });

  test("ends when the process that starts what is limited was ended while it did", async () => {
    await open();
    const { launched } = enter(
      `read -r id name state parent rest </proc/$PPID/stat; kill -9 "$parent"; sleep 600`,
      true,
    );
    expect(await launched.closed).toBeUndefined();
    expect(await enter("exit 4", false).launched.closed).toBeUndefined();
  });

  test("ends with the next command that is limited when that process was ended in between", async () => {
    await open();
    const found = enter(`read -r id name state parent rest </proc/$PPID/stat; echo "$parent"`, true);
    expect(await found.launched.closed).toBe(0);
    expect(await enter(`kill -9 ${found.printed.stdout.trim()}; sleep 0.2; exit 4`, false).launched.closed).toBe(4);
    expect(await enter("echo never", true).launched.closed).toBeUndefined();
  });
});

test("the shell of an enclosure ends with its input, whatever it has started", async () => {
  await mkdir(join(directory, "commands"));
  await writeFile(join(directory, "commands", "1"), "echo begun; exec sleep 600");
  const shell = spawn("/bin/sh", ["-euc", `commands=$1\n${shellLoop}`, "sh", join(directory, "commands")], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  onTestFinished(() => {
    if (shell.pid !== undefined) process.kill(-shell.pid, "SIGKILL");
  });
  shell.stdin.end("1\n");
  expect(await once(shell, "exit")).toEqual([0, null]);
  const begun = async (): Promise<string> => readFile(join(directory, "commands", "stdout"), "utf8").catch(() => "");
  while ((await begun()) === "") await new Promise((resolve) => setImmediate(resolve));
});
