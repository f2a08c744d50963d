import { createClamdScanner } from "#shared/adapters/scanner/clamd-scanner.ts";
import { programPath } from "#shared/adapters/git/git-command.ts";
import { createCommandScanner } from "#shared/adapters/scanner/command-scanner.ts";
import type { ArtifactScanner } from "#shared/ports/artifact-scanner.ts";
import { InvalidConfiguration, type Settings } from "./config.ts";

type ScannerSettings = Pick<Settings, "OCTOBATCH_SCAN_COMMAND" | "OCTOBATCH_CLAMD">;

/** How long clamd may be silent, or a command may take for one file. */
const timeoutMs = 60_000;

/**
 * The scanner that the operator has set up, if any.
 * @throws InvalidConfiguration when two are set up.
 */
export function openScanner(
  { OCTOBATCH_SCAN_COMMAND: command, OCTOBATCH_CLAMD: address }: ScannerSettings,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly value: ArtifactScanner | undefined; readonly check?: () => Promise<void> } {
  if (command !== undefined && address !== undefined) {
    throw new InvalidConfiguration("OCTOBATCH_SCAN_COMMAND and OCTOBATCH_CLAMD: set one of them, not both.");
  }
  const value =
    address === undefined ? commandScanner(command, environment) : createClamdScanner({ address, timeoutMs });
  return value === undefined ? { value } : { value, check: () => value.check() };
}

/** Nothing of our own environment is the command's business but where programs are. */
function commandScanner(
  command: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): ArtifactScanner | undefined {
  if (command === undefined) return undefined;
  return createCommandScanner({ command, environment: { PATH: environment["PATH"] ?? programPath }, timeoutMs });
}
