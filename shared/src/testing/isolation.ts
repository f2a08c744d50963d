import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { detectIsolation } from "../adapters/process/isolation.ts";

/**
 * Why tests that need this kind of isolation cannot run here, or undefined when they can.
 * @throws Error when CI=true, where a missing part is a failure, not a reason to skip.
 */
export async function isolationMissing(kind: "bubblewrap" | "unshare"): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-isolation-"));
  try {
    const found = await detectIsolation(directory, { only: kind });
    if (found.kind === kind) return undefined;
    if (process.env["CI"] === "true") throw new Error(found.because);
    return found.because;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
