import { createHash } from "node:crypto";
import { packageFiles, type InstalledPackage, type PackageFile } from "./packages.ts";

export interface ChosenPackage extends InstalledPackage {
  readonly files: readonly PackageFile[];
}

/** Taken first when installed, because the demo's campaigns have something to do, or to leave alone, in them. */
const TAKEN_FIRST: Readonly<Record<string, readonly string[]>> = {
  callsSubstr: [
    "acorn-jsx chalk esprima graceful-fs ignore json5 pino postcss postgres-array postgres-bytea prompts source-map",
    "source-map-js tsconfig-paths universal-user-agent",
  ],
  callsSubstrWhereItHasToStay: ["acorn bignumber.js es-module-lexer magic-string uuid yaml"],
  hasSecurityPolicy: ["expect-type for-each function-bind resolve thread-stream tslib"],
  manifestIsSetBack: ["before-after-hook convert-source-map inherits ini minimist ms path-parse xtend"],
  hasNoLicenseFile: ["imurmurhash pg-types pgpass stackback"],
  isNamedInTheCampaignOfFailures: ["commondir debug nanoid picocolors semver"],
  isTheFork: ["colorette"],
};
const FIRST = new Set(Object.values(TAKEN_FIRST).flatMap((lines) => lines.flatMap((line) => line.split(" "))));

const MOST_OF_A_FAMILY = 2;

/**
 * Chooses `count` packages: first those that the campaigns need, then others in an order that looks shuffled but is the
 * same everywhere, at most two of a scope or name prefix as long as there are others.
 *
 * @throws Error when fewer than `count` packages are small enough.
 */
export async function choosePackages(
  installed: readonly InstalledPackage[],
  count: number,
): Promise<readonly ChosenPackage[]> {
  const shuffled = installed.toSorted((a, b) => (digest(a.name) < digest(b.name) ? -1 : 1));
  const first = shuffled.filter(({ name }) => FIRST.has(name));
  const others = shuffled.filter(({ name }) => !FIRST.has(name));
  const families = new Map<string, number>();
  const diverse: InstalledPackage[] = [];
  const rest: InstalledPackage[] = [];
  for (const candidate of others) {
    const family = candidate.name.split(/[/-]/, 1)[0] ?? candidate.name;
    const taken = families.get(family) ?? 0;
    families.set(family, taken + 1);
    (taken < MOST_OF_A_FAMILY ? diverse : rest).push(candidate);
  }

  const chosen: ChosenPackage[] = [];
  for (const candidate of [...first, ...diverse, ...rest]) {
    if (chosen.length === count) break;
    const files = await packageFiles(candidate.directory);
    if (files !== undefined) chosen.push({ ...candidate, files });
  }
  if (chosen.length < count) {
    throw new Error(
      `Only ${chosen.length} installed packages are small enough to become repositories, and ${count} are wanted: ask for fewer.`,
    );
  }
  return chosen.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A number from a name: the same on every machine, spread evenly. */
export function digest(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32BE(0);
}
