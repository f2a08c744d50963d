import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isolationMissing } from "#shared/testing/isolation.ts";
import { detectIsolation } from "./isolation.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-isolation-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const missing = await isolationMissing("bubblewrap");

test.skipIf(missing !== undefined)(
  `the best that works is taken, and trying it leaves nothing behind ${missing ?? ""}`,
  async () => {
    expect(await detectIsolation(directory)).toEqual({ kind: "bubblewrap", because: "bubblewrap works here" });
    expect(await readdir(directory)).toEqual([]);
  },
);

test.skipIf(missing !== undefined)(
  `the next best is taken with the reason why, and when nothing works the remedy is told ${missing ?? ""}`,
  async () => {
    const seccompFile = join(directory, "seccomp");
    await writeFile(seccompFile, "no program");
    const found = await detectIsolation(directory, { seccompFile });
    expect(found.kind).toBe("unshare");
    expect(found.because).toMatch(/since bubblewrap does not: .*seccomp/i);

    const none = await detectIsolation(directory, { seccompFile, only: "bubblewrap" });
    expect(none.kind).toBe("unavailable");
    expect(none.because).toMatch(/Install bubblewrap/);
  },
);
