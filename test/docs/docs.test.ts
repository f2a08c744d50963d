import { existsSync, readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { createProgram } from "#cli/program.ts";
import { createTestIo } from "#cli/testing/test-io.ts";
import { settings } from "#shared/runtime/config.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = (
  await Array.fromAsync(glob(["README.md", "docs/**/*.md", "knative/README.md"], { cwd: root }))
).toSorted();
const textOf = (page: string): string => readFileSync(join(root, page), "utf8");

/** Names that the command line reads by itself, and so are no settings of the service. */
const commandLineVariables = ["OCTOBATCH_URL", "OCTOBATCH_TOKEN", "OCTOBATCH_DEBUG"];

describe("the settings of docs/operations.md", () => {
  test("are all of the code's, each with what it means, its default, and whether it is a secret", () => {
    const [, table = ""] =
      /<!-- settings: .*?-->(.*?)<!-- end of settings -->/s.exec(textOf("docs/operations.md")) ?? [];
    const written = table
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    expect(written).toEqual(
      Object.entries(settings).map(([name, { describe: meaning, schema, ...setting }]) => [
        `\`${name}\``,
        meaning,
        renderDefault(schema.safeParse(undefined)),
        "secret" in setting ? "yes" : "",
      ]),
    );
  });
});

describe.each(pages)("%s", (page) => {
  test("links to what is there", () => {
    const broken = linksIn(textOf(page)).filter((link) => !resolves(page, link));
    expect(broken).toEqual([]);
  });

  test("names no npm script that does not exist", () => {
    const named = [...textOf(page).matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].map(
      ([, run, own]) => run ?? own,
    );
    expect(named.filter((name) => name !== undefined && !(name in packageJson.scripts))).toEqual([]);
  });

  test("names no command or option that octobatch does not have", () => {
    expect(commandsIn(textOf(page)).flatMap(unknownIn)).toEqual([]);
  });

  test("names no setting that nobody reads", () => {
    const known = new Set<string>([...Object.keys(settings), ...commandLineVariables]);
    const named = [...textOf(page).matchAll(/\bOCTOBATCH_[A-Z][A-Z_]*[A-Z]\b/g)].map(([name]) => name);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test("sends nobody to a package registry by its host", () => {
    expect(textOf(page)).not.toMatch(
      /\b(?:registry|index|proxy)\.\w+\.(?:org|io|com)\b|\b(?:npmjs|ghcr|quay|pypi|crates)\.\w+\b/,
    );
  });
});

test("every page can be reached from the README", () => {
  const reached = new Set<string>();
  const visit = (page: string): void => {
    if (reached.has(page) || !page.endsWith(".md") || !existsSync(join(root, page))) return;
    reached.add(page);
    for (const { path } of linksIn(textOf(page))) if (path !== "") visit(relative(root, targetOf(page, path)));
  };
  visit("README.md");
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

function renderDefault(parsed: ReturnType<(typeof settings)[keyof typeof settings]["schema"]["safeParse"]>): string {
  if (!parsed.success || parsed.data === undefined) return "";
  return typeof parsed.data === "object" ? "empty" : `\`${String(parsed.data)}\``;
}

interface Link {
  readonly path: string;
  readonly anchor: string;
}

/** The relative links and images of a page, those in code left out. */
function linksIn(text: string): readonly Link[] {
  const prose = text.replaceAll(/^(`{3,}).*?^\1/gms, "").replaceAll(/`[^`\n]*`/g, (code) => "x".repeat(code.length));
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
    .map((target) => ({ path: target.split("#")[0] ?? "", anchor: target.split("#")[1] ?? "" }));
}

function targetOf(page: string, path: string): string {
  return path === "" ? join(root, page) : resolve(root, dirname(page), path);
}

function resolves(page: string, { path, anchor }: Link): boolean {
  const target = targetOf(page, path);
  if (!existsSync(target)) return false;
  return anchor === "" || (target.endsWith(".md") && anchorsOf(readFileSync(target, "utf8")).has(anchor));
}

/** The anchors that GitHub gives to headings: lower case, spaces as dashes, punctuation gone, numbered when repeated. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of text.replaceAll(/^(`{3,}).*?^\1/gms, "").matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The command lines of a page: in code, the words after `octobatch`. */
function commandsIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^(`{3,})\w*\n(.*?)^\1/gms)].flatMap(([, , body = ""]) => body.split("\n"));
  const spans = [...text.replaceAll(/^(`{3,}).*?^\1/gms, "").matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return [...blocks, ...spans].flatMap((code) => {
    const [, words] = /^(?:\$ )?(?:octobatch|npm run octobatch --) ([^#|]+)/.exec(code.trim()) ?? [];
    return words === undefined ? [] : [words.trim()];
  });
}

const program = createProgram(createTestIo(), () => () => Promise.resolve(), { json: false });

/** What a command line says that the program does not know. */
function unknownIn(line: string): readonly string[] {
  const words = line.split(/\s+/);
  let command: Command = program;
  for (const word of words) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) break;
    command = next;
  }
  if (command === program && !words[0]?.startsWith("-")) return [`octobatch ${line}: there is no such command`];
  const options = new Set([...program.options, ...command.options].flatMap(({ long, short }) => [long, short]));
  return words
    .filter((word) => /^--?[a-z]/.test(word) && word !== "--help" && !options.has(word.split("=")[0]))
    .map((word) => `octobatch ${line}: there is no option ${word}`);
}
