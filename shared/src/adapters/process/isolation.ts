import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { openEnclosure } from "./enclosure.ts";
import { gatherSettings, settingsOfUser } from "./gather-settings.ts";
import { readHostView } from "./host-view.ts";
import { createRedactor } from "#shared/transform/redactor.ts";
import { runStep } from "./run-step.ts";
import type { StepUser } from "./step-mounts.ts";

export type IsolationKind = "bubblewrap" | "unshare" | "none";

/** What isolates steps on this machine, and why that and nothing better; `unavailable` comes with the remedy. */
export interface DetectedIsolation {
  readonly kind: IsolationKind | "unavailable";
  readonly because: string;
}

/**
 * Finds what works here by trying it: bubblewrap, else `unshare` of util-linux, each with everything that a real step
 * gets. `directory` is one that may be written to.
 */
export async function detectIsolation(
  directory: string,
  options: { readonly seccompFile?: string; readonly only?: "bubblewrap" | "unshare" } = {},
): Promise<DetectedIsolation> {
  const failures: string[] = [];
  for (const kind of options.only === undefined ? (["bubblewrap", "unshare"] as const) : [options.only]) {
    const failure = await tryIsolation(kind, directory, options.seccompFile);
    if (failure === undefined) {
      const instead = failures.length === 0 ? "" : `, since ${failures.join("; ")}`;
      return { kind, because: `${kind} works here${instead}` };
    }
    failures.push(`${kind} does not: ${failure}`);
  }
  const remedy =
    "Install bubblewrap and util-linux, and allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns) or run as root with CAP_SYS_ADMIN; in a container, give it these rights and an unmasked /proc. An operator who trusts every step may turn isolation off.";
  return {
    kind: "unavailable",
    because: `steps cannot be isolated on this machine: ${failures.join("; ")}. ${remedy}`,
  };
}

/** As root each slot has a user id of its own, so that no slot counts against the limits of another. */
export function stepUser(slot: number): StepUser {
  return isRoot() ? { kind: "own-id", id: firstOwnId + slot } : { kind: "mapped", id: 1000 };
}

/** Above what distributions hand out to people, services, containers and systemd. */
const firstOwnId = 2_100_000_000;

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

async function tryIsolation(
  kind: "bubblewrap" | "unshare",
  directory: string,
  seccompFile: string | undefined,
): Promise<string | undefined> {
  const path = join(directory, `try-${kind}`);
  try {
    await mkdir(path, { mode: 0o700 });
    const whole = await readHostView({ toolDirectories: [], readOnlyDirectories: [], workDirectory: directory });
    const view = await settingsOfUser(await gatherSettings(whole, join(path, "etc")), stepUser(0), join(path, "etc-0"));
    const enclosure = await openEnclosure({ directory: path, volumeBytes: 4 << 20, asRoot: isRoot() });
    try {
      await mkdir(join(enclosure.volumeFromHere, "workspace"));
      const end = await runStep(
        {
          isolation: kind,
          enclosure,
          view,
          user: stepUser(0),
          seccompFile,
          controlGroup: undefined,
          objectsDirectory: undefined,
          directory: "",
        },
        {
          index: 0,
          script: "test -r /proc/self/status",
          environment: {},
          files: [],
          timeoutMs: 20_000,
          logBytes: 4096,
          limits: { processes: 64, memoryBytes: 1 << 30, diskBytes: 1 << 20 },
        },
        createRedactor(new Map()),
      );
      return end.exitCode === 0 ? undefined : end.stderr.trim() || `it ended with exit code ${end.exitCode}`;
    } finally {
      await enclosure.destroy();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}
