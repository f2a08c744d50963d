import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Ends a process as a power cut would, and waits until it is gone; nothing happens when there is none any more. */
export async function killProcess(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
