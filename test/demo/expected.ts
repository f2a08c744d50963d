import { execFile } from "node:child_process";
import { promisify } from "node:util";
import ts from "typescript";
import { z } from "zod";
import type { SeededRepository } from "#test/github/seed/seed-repositories.ts";

const run = promisify(execFile);

/** What a campaign should make of the repositories that it selects, by name. */
export interface ExpectedOutcome {
  /** The name in the spec. */
  readonly campaign: string;
  readonly patch: readonly string[];
  readonly noChange: readonly string[];
  readonly failed: readonly string[];
  /** Found by the selection and left out of it. */
  readonly excluded: readonly string[];
}

type Verdict = keyof Omit<ExpectedOutcome, "campaign">;

/**
 * Works out what the three campaigns of the demo should make of the seeded repositories, from the files on their
 * default branches as they are now: ask before anything is merged. It shares no code with the campaigns, and reads
 * JavaScript with another parser than they do.
 *
 * @throws Error when git cannot read a repository, or when one that the third campaign names is missing.
 */
export async function expectedOutcomes(repositories: readonly SeededRepository[]): Promise<readonly ExpectedOutcome[]> {
  return [
    await outcome("license-and-security", repositories, async (repository) =>
      (await needsLicenseOrPolicy(repository)) ? "patch" : "noChange",
    ),
    await outcome(
      "substr-to-slice",
      // GitHub's search leaves forks out, and finds an empty repository in no language.
      repositories.filter(({ isFork, language }) => !isFork && language !== undefined),
      async (repository) => ((await hasReplaceableSubstr(repository)) ? "patch" : "noChange"),
    ),
    await outcome("deliberate-failures", namedInFailures(repositories), ({ name }) =>
      Promise.resolve(FAILURES.get(name) ?? "patch"),
    ),
  ];
}

async function outcome(
  campaign: string,
  repositories: readonly SeededRepository[],
  judge: (repository: SeededRepository) => Promise<Verdict>,
): Promise<ExpectedOutcome> {
  const verdicts = new Map<string, Verdict>();
  for (const repository of repositories) {
    verdicts.set(repository.name, repository.isArchived || repository.isEmpty ? "excluded" : await judge(repository));
  }
  const named = (wanted: Verdict) =>
    [...verdicts].flatMap(([name, verdict]) => (verdict === wanted ? [name] : [])).sort();
  return {
    campaign,
    patch: named("patch"),
    noChange: named("noChange"),
    failed: named("failed"),
    excluded: named("excluded"),
  };
}

/** The repositories of the third campaign: `patch` where nothing is meant to go wrong for good. */
const FAILURES: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ["chalk", "patch"],
  ["commondir", "excluded"],
  ["debug", "patch"],
  ["incubator", "excluded"],
  ["json5", "failed"],
  ["ms", "patch"],
  ["nanoid", "patch"],
  ["picocolors", "patch"],
  ["semver", "failed"],
]);

function namedInFailures(repositories: readonly SeededRepository[]): readonly SeededRepository[] {
  const named = repositories.filter(({ name }) => FAILURES.has(name));
  if (named.length < FAILURES.size) {
    const missing = [...FAILURES.keys()].filter((name) => !named.some((repository) => repository.name === name));
    throw new Error(`The campaign of failures names repositories that were not seeded: ${missing.join(", ")}.`);
  }
  return named;
}

const SPDX = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC-BY-4.0",
  "ISC",
  "MIT",
  "MPL-2.0",
]);
const POLICIES = ["SECURITY.md", ".github/SECURITY.md", "docs/SECURITY.md"];
const manifestSchema = z.object({ license: z.unknown() });

async function needsLicenseOrPolicy(repository: SeededRepository): Promise<boolean> {
  const policies = await git(repository, ["ls-tree", "--name-only", "HEAD", "--", ...POLICIES]);
  if (policies === "") return true;
  const { license } = manifestSchema.parse(JSON.parse(await git(repository, ["show", "HEAD:package.json"])));
  return typeof license !== "string" || !SPDX.has(license);
}

const NOT_WRITTEN_BY_PEOPLE =
  /(?:^|\/)(?:dist|dist-[^/]*|build|bundles|umd|browser|vendor|node_modules)\/|\.min\.|\.d\.[cm]?ts$/;

async function hasReplaceableSubstr(repository: SeededRepository): Promise<boolean> {
  const candidates = (await filesWith(repository, ".substr(")).filter(
    (path) => /\.[cm]?[jt]s$/.test(path) && !NOT_WRITTEN_BY_PEOPLE.test(path),
  );
  for (const path of candidates) {
    const source = await git(repository, ["show", `HEAD:${path}`]);
    const isWritten = !/^\/\/[#@] sourceMappingURL=/m.test(source) && !/.{1000}/.test(source);
    if (isWritten && replaceableCalls(path, source) > 0) return true;
  }
  return false;
}

function replaceableCalls(path: string, source: string): number {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest);
  let calls = 0;
  let hasItsOwn = false;
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      if (node.expression.name.text === "substr" && isSameAsSlice(file, node.expression.expression, node.arguments))
        calls += 1;
    }
    if (ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node) || ts.isPropertyDeclaration(node)) {
      hasItsOwn ||= node.name.getText(file) === "substr";
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return hasItsOwn ? 0 : calls;
}

/** Whether `receiver.substr(…args)` is a `slice` for every string; no start or length may be negative unseen. */
function isSameAsSlice(file: ts.SourceFile, receiver: ts.Expression, args: readonly ts.Expression[]): boolean {
  const [start, length] = args.map((argument) => argument.getText(file));
  if (start === undefined || start.startsWith("...")) return false;
  if (length === undefined) return true;
  if (!/^\d+$/.test(start) || args.length > 2) return false;
  const ownLength = `${receiver.getText(file)}.length`;
  if (/^\d+$/.test(length) || length === ownLength) return true;
  return (
    start === "0" &&
    (/^[\w$.]+\.length$/.test(length) ||
      (length.startsWith(`${ownLength} - `) && /^\d+$/.test(length.slice(ownLength.length + 3))))
  );
}

async function filesWith(repository: SeededRepository, text: string): Promise<readonly string[]> {
  const found = await git(repository, ["grep", "-lz", "--fixed-strings", "-e", text, "HEAD"]).catch(
    (error: unknown) => {
      // git grep exits with 1 when nothing matches.
      if (error instanceof Error && "code" in error && error.code === 1) return "";
      throw error;
    },
  );
  return found.split("\0").flatMap((path) => (path === "" ? [] : [path.slice("HEAD:".length)]));
}

async function git({ bareDirectory }: SeededRepository, args: readonly string[]): Promise<string> {
  const { stdout } = await run("git", ["-C", bareDirectory, ...args], { maxBuffer: 2 ** 26 });
  return stdout;
}
