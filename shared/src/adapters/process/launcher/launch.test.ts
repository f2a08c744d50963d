import { execFile, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { launch, type Launch } from "./launch.ts";

const runFile = promisify(execFile);

function start(script: string, options: Partial<Launch> = {}) {
  const printed = { stdout: "", stderr: "" };
  const launched = launch({
    argv: ["/bin/sh", "-c", script],
    environment: { PATH: "/usr/bin:/bin" },
    directory: "/",
    onOutput: (stream, chunk) => void (printed[stream] += chunk.toString("utf8")),
    ...options,
  });
  return { launched, printed };
}

test("tells what a process prints, and how it ended", async () => {
  const { launched, printed } = start("cat; echo err >&2; pwd; env; exit 3", {
    input: Buffer.from("given\n"),
    environment: { PATH: "/usr/bin:/bin", A: "1" },
    directory: "/usr",
  });
  expect(await launched.closed).toBe(3);
  expect(printed.stderr).toBe("err\n");
  expect(printed.stdout).toMatch(/^given\n\/usr\n/);
  expect(printed.stdout).toMatch(/^A=1$/m);
  // Nothing of this process is handed on.
  expect(printed.stdout).not.toMatch(/NODE|VITEST/);
});

test("hands over files as descriptors from 3 on", async () => {
  const { launched, printed } = start("cat <&3", { files: ["/etc/hostname"] });
  expect(await launched.closed).toBe(0);
  expect(printed.stdout).toBe(await readFile("/etc/hostname", "utf8"));
});

test("hands over nothing that this process was started with", async () => {
  const fixture = fileURLToPath(new URL("list-descriptors.fixture.ts", import.meta.url));
  const file = openSync("/etc/hostname", "r");
  const stdio: StdioOptions = ["ignore", "pipe", "inherit"];
  // Node sees to those below 16 itself.
  for (let descriptor = 3; descriptor <= 40; descriptor += 1) stdio.push(descriptor === 40 ? file : "ignore");
  const child = spawn(process.execPath, [fixture], { stdio });
  closeSync(file);
  let listed = "";
  child.stdout?.on("data", (chunk: Buffer) => (listed += chunk.toString("utf8")));
  await once(child, "close");
  // The last one is that of the directory itself.
  expect(listed.trim().split("\n")).toEqual(["0", "1", "2", "3"]);
});

test("what cannot be started is told as an error", async () => {
  const missing = start("", { argv: ["/nowhere/program"] });
  await expect(missing.launched.closed).rejects.toThrow(/ENOENT/);
  const file = start("", { files: ["/nowhere/file"] });
  await expect(file.launched.closed).rejects.toThrow(/ENOENT/);
  await Promise.all([missing.launched.exited, file.launched.exited]);
});

test("ends the whole group when it is killed", async () => {
  const { launched, printed } = start("sleep 600 & echo $!; sleep 600");
  while (!printed.stdout.includes("\n")) await new Promise((resolve) => setImmediate(resolve));
  launched.kill();
  expect(await launched.closed).toBeUndefined();
  const { stdout } = await runFile("ps", ["-o", "stat=", "-p", printed.stdout.trim()]).catch(() => ({ stdout: "" }));
  expect(stdout).not.toMatch(/^[SR]/);
});

test("an open input ends with the process, and output that nobody wants is dropped", async () => {
  const open = start("read -r line; echo never", { input: "open" });
  const { launched, printed } = start("head -c 50000000 /dev/zero; echo told >&2", {
    onOutput(stream, chunk) {
      printed[stream] += chunk.toString("latin1");
      if (stream === "stdout") launched.mute("stdout");
    },
  });
  expect(await launched.closed).toBe(0);
  expect(printed.stdout.length).toBeLessThan(50_000_000);
  expect(printed.stderr).toBe("told\n");
  open.launched.kill();
  expect(await open.launched.closed).toBeUndefined();
  expect(open.printed.stdout).toBe("");
});

test("all output comes, however much there is, before the end is told", async () => {
  let bytes = 0;
  const { launched } = start("head -c 20000000 /dev/zero", { onOutput: (_, chunk) => void (bytes += chunk.length) });
  expect(await launched.closed).toBe(0);
  expect(bytes).toBe(20_000_000);
});
