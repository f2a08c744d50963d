import { rm } from "node:fs/promises";
import { runCommand } from "./run-command.ts";

/**
 * Removes a directory with everything in it. A step may have closed directories of its own, as some package managers do:
 * they are opened first where that is needed. @throws Error when it is still there.
 */
export async function removeAll(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch {
    await runCommand({
      argv: ["chmod", "-R", "u+rwX", "--", directory],
      environment: { PATH: "/usr/bin:/bin" },
      timeoutMs: 60_000,
      maxOutputBytes: 1 << 16,
    });
    await rm(directory, { recursive: true, force: true });
  }
}
