import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isolationMissing } from "#shared/testing/isolation.ts";
import { createRedactor } from "#shared/transform/redactor.ts";
import { openEnclosure, type Enclosure } from "./enclosure.ts";
import { readHostView } from "./host-view.ts";
import { runStep, type StepRun } from "./run-step.ts";

const missing = await isolationMissing("unshare");

/** The steps of an ordinary user are of the same user as what encloses them; root's enclosure can be opened that way, too. */
describe.skipIf(missing !== undefined)(`a step of the enclosure's own user ${missing ?? ""}`, () => {
  let directory: string;
  let enclosure: Enclosure;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "octobatch-steps-"));
    enclosure = await openEnclosure({ directory, volumeBytes: 4 << 20, asRoot: false });
    await mkdir(join(enclosure.volumeFromHere, "workspace"));
  });
  afterEach(async () => {
    await enclosure.destroy();
    await rm(directory, { recursive: true, force: true });
  });

  async function run(index: number, script: string): Promise<StepRun> {
    const place = {
      isolation: "unshare",
      enclosure,
      view: await readHostView({ toolDirectories: [], readOnlyDirectories: [], workDirectory: directory }),
      user: { kind: "mapped", id: 1000 },
      seccompFile: undefined,
      controlGroup: undefined,
      objectsDirectory: undefined,
      directory: "",
    } as const;
    const limits = { processes: 64, memoryBytes: 1 << 30, diskBytes: 1 << 20 };
    const rest = { environment: {}, files: [], timeoutMs: 20_000, logBytes: 4096, limits };
    return runStep(place, { ...rest, index, script }, createRedactor(new Map()));
  }

  test.each([
    ["stops", "kill -STOP 0; echo x"],
    ["ends when it ends", 'trap "kill 0" EXIT; sleep 100 & echo x'],
    ["kills", "kill -9 0; echo x"],
  ])("%s its process group, and nothing else", async (_, script) => {
    expect(await run(0, script)).toMatchObject({ end: "exited", exitCode: 0, stdout: "x\n" });
    expect(await run(1, "echo next")).toMatchObject({ exitCode: 0, stdout: "next\n" });
  });

  test("cannot close its output to those after it", async () => {
    expect(await run(0, "chmod 0 /dev/stdout /dev/stderr; echo x")).toMatchObject({ exitCode: 0, stdout: "x\n" });
    expect(await run(1, "echo next")).toMatchObject({ exitCode: 0, stdout: "next\n" });
    // Nothing is closed to root, so this is what shows it there.
    expect((await stat(join(enclosure.ownFromHere, "stdout"))).mode & 0o777).toBe(0o622);
  });
});
