import { readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { codeOf } from "../error-code.ts";
import { createTurns } from "../known-file.ts";
import { pathIn } from "./file-tree.ts";
import { runCommand } from "./run-command.ts";

/**
 * Removes a directory with everything in it. A step may have closed directories of its own, as some package managers do:
 * they are opened first where that is needed. @throws Error when it is still there.
 */
export async function removeAll(directory: string): Promise<void> {
  try {
    await removeTree(directory, "", createTurns());
  } catch {
    await runCommand({
      argv: ["chmod", "-R", "u+rwX", "--", directory],
      environment: { PATH: "/usr/bin:/bin" },
      timeoutMs: 60_000,
      maxOutputBytes: 1 << 16,
    });
    await removeTree(directory, "", createTurns());
  }
}

/** @param path Of what is to be removed, below the directory; see {@link pathIn}. */
async function removeTree(directory: string, path: string, turn: () => Promise<void> | undefined): Promise<void> {
  const place = pathIn(directory, path);
  const entries = unlessGone(() => readdirSync(place, { withFileTypes: true, encoding: "latin1" })) ?? [];
  for (const entry of entries) {
    const below = path === "" ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory()) await removeTree(directory, below, turn);
    else unlessGone(() => unlinkSync(pathIn(directory, below)));
    await turn();
  }
  // Where something was mounted in namespaces that have just ended, this waits for the kernel: nobody else should.
  if (entries.length === 0) await rmdir(place).catch(ignoreGone);
  else unlessGone(() => rmdirSync(place));
}

/** Somebody else may remove the same. */
function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    return ignoreGone(error);
  }
}

function ignoreGone(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}
