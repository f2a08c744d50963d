import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ScannerUnavailable } from "../../ports/artifact-scanner.ts";
import { artifactScannerContract } from "../../testing/artifact-scanner.contract.ts";
import { malware } from "../../testing/clamd-server.ts";
import { programPath } from "../git/git-command.ts";
import { createCommandScanner } from "./command-scanner.ts";

const scannerOf = (command: string, timeoutMs = 10_000) =>
  createCommandScanner({ command, environment: { PATH: programPath }, timeoutMs });

/** A script as an operator would write it, around a scanner of another kind. */
const script = `#!/bin/sh
if grep --quiet --text "$1"; then
  echo Test.Malware-1
  echo "was in $SCAN_FILE_NAME"
  exit 1
fi
`;

artifactScannerContract("a command", async () => {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-scan-"));
  const file = join(directory, "scan.sh");
  await writeFile(file, script, { mode: 0o755 });
  return {
    scanner: scannerOf(`'${file}' '${malware}'`),
    close: () => rm(directory, { recursive: true }),
  };
});

describe("a command", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "octobatch-scan-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function* large(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 100; index += 1) yield new Uint8Array(65_536);
  }
  const scan = (command: string, timeoutMs?: number) =>
    scannerOf(command, timeoutMs).scan(large(), { fileName: "dir/a b.txt" });

  test("gets every byte, and the name by its environment, which holds nothing else of ours", async () => {
    const [count, environment] = [join(directory, "count"), join(directory, "environment")];
    expect(await scan(`wc -c > '${count}'; env > '${environment}'`)).toEqual({ kind: "clean" });
    expect((await readFile(count, "utf8")).trim()).toBe(String(100 * 65_536));
    const variables = (await readFile(environment, "utf8")).split("\n").map((line) => line.split("=")[0]);
    expect(new Set(variables)).toEqual(
      new Set(["PATH", "SCAN_FILE_NAME", "PWD", "_", ""].filter((each) => variables.includes(each))),
    );
    expect(await readFile(environment, "utf8")).toContain("SCAN_FILE_NAME=dir/a b.txt\n");
  });

  test("need not read all of it", async () => {
    expect(await scan("exit 0")).toEqual({ kind: "clean" });
    expect(await scan("echo Some.Thing; exit 1")).toEqual({ kind: "infected", finding: "Some.Thing" });
    expect(await scan("exit 1")).toEqual({ kind: "infected", finding: "something that it did not name" });
  });

  test.each([
    ["fails", "echo no database >&2; exit 2", "it ended with 2: no database"],
    ["is not there", "no-such-scanner", "it ended with 127"],
    ["is killed", "kill -9 $$", "it ended with SIGKILL"],
  ])("that %s has given no verdict", async (_, command, because) => {
    const error = await scan(command).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(ScannerUnavailable);
    expect(String(error)).toContain(because);
    await expect(scannerOf(command).check()).rejects.toThrow(because);
  });

  test("that takes too long is killed, with what it started", async () => {
    const pids = join(directory, "pids");
    await expect(scan(`sleep 600 & echo $! $$ > '${pids}'; wait`, 300)).rejects.toThrow("it took longer than 0.3 s");
    for (const pid of (await readFile(pids, "utf8")).trim().split(" ")) {
      // It may be a zombie still, which nobody has buried: then its state says so.
      const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "gone Z");
      expect(state).toContain(" Z");
    }
  });

  test("that takes everything for malware does not work", async () => {
    await expect(scannerOf("exit 1").check()).rejects.toThrow(/takes an empty file for malware/);
  });
});
