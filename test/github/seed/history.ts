import type { ChosenPackage } from "./choice.ts";
import { digest } from "./choice.ts";
import type { PackageFile } from "./packages.ts";

/** One commit of a seeded repository; it adds its files to those of the commits before. */
export interface SeedCommit {
  readonly message: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly at: Date;
  readonly files: readonly PackageFile[];
}

const AUTHORS = [
  { name: "Ada Moreau", email: "ada.moreau@example.com" },
  { name: "Bram Okafor", email: "bram.okafor@example.com" },
  { name: "Chiara Lindqvist", email: "chiara.lindqvist@example.com" },
  { name: "Deniz Tanaka", email: "deniz.tanaka@example.com" },
  { name: "Emeka Novak", email: "emeka.novak@example.com" },
] as const;

interface Part {
  readonly message: (chosen: ChosenPackage) => string;
  readonly claims: (path: string) => boolean;
  /** When a person would have committed it, counted from 0. */
  readonly position: number;
}

/** What a file is to its package; a file belongs to the first part that claims it. */
const PARTS: readonly Part[] = [
  {
    position: 2,
    message: () => "Add tests",
    claims: (path) => /(?:^|\/)(?:tests?|__tests__|benchmarks?)(?:\/|\.[cm]?[jt]s$)|\.(?:test|spec)\./.test(path),
  },
  {
    position: 4,
    message: () => "Check in the build",
    claims: (path) => isGenerated(path) && !path.endsWith(".d.ts"),
  },
  {
    position: 1,
    message: () => "Add type declarations",
    claims: (path) => /\.d\.[cm]?ts(?:\.map)?$/.test(path),
  },
  {
    position: 3,
    message: ({ version }) => `Document version ${version}`,
    claims: (path) => /\.(?:md|markdown)$/i.test(path) && !/^licen[cs]e/i.test(path),
  },
  {
    position: 0,
    message: ({ name, version }) => `Import ${name} ${version}`,
    claims: () => true,
  },
];

const FIRST_DAY = Date.UTC(2023, 0, 9, 9, 30);
const DAY_MS = 24 * 60 * 60 * 1000;

/** Whether a path lies in a folder that a build writes, or is a minified file. */
export function isGenerated(path: string): boolean {
  return /(?:^|\/)(?:dist[^/]*|build|bundles?|umd|browser)\/|\.min\.[cm]?js$|\.map$/.test(path);
}

/**
 * Splits the files of a package into two to five commits, a few days apart. Authors and dates depend on the package's
 * name alone, so the commits have the same SHAs everywhere.
 */
export function historyOf(chosen: ChosenPackage): readonly SeedCommit[] {
  const seed = digest(chosen.name);
  const filesOf = Map.groupBy(chosen.files, ({ path }) => PARTS.find(({ claims }) => claims(path)));
  return PARTS.toSorted((a, b) => a.position - b.position).flatMap((part) => {
    const files = filesOf.get(part) ?? [];
    const author = AUTHORS[(seed + part.position) % AUTHORS.length];
    if (author === undefined || files.length === 0) return [];
    const days = (seed % 700) + part.position * (1 + (seed % 5));
    return [{ message: part.message(chosen), author, at: new Date(FIRST_DAY + days * DAY_MS), files }];
  });
}
