import type { Finding, SpecPath } from "./finding.ts";
import { fileThatIsAFolder } from "./sandbox-path.ts";
import { checkTemplate } from "./template/check.ts";
import type { Place, Scope } from "./template/variables.ts";

/**
 * Checks what one part of a spec says of another: variables and outputs in templates, and files of a step among each
 * other. It reads the document as people wrote it, wrong or not, so that all problems are told at once.
 */
export function referenceFindings(document: unknown): readonly Finding[] {
  const outputs = new Map<string, "text" | "data">();
  const findings: Finding[] = [];
  for (const [index, step] of entriesOf(field(document, "steps"))) {
    findings.push(...stepFindings(step, ["steps", index], { hasPreviousStep: index !== 0, outputs }));
    for (const [name, output] of entriesOf(field(step, "outputs"))) {
      outputs.set(
        String(name),
        field(output, "format") === "json" || field(output, "format") === "yaml" ? "data" : "text",
      );
    }
  }
  const pullRequest = field(document, "pullRequest");
  const scope = { place: "pull-request", hasPreviousStep: false, outputs } as const;
  return [
    ...findings,
    ...templateFindings(field(pullRequest, "title"), ["pullRequest", "title"], scope),
    ...templateFindings(field(pullRequest, "body"), ["pullRequest", "body"], scope),
    ...templateFindings(field(field(pullRequest, "commit"), "message"), ["pullRequest", "commit", "message"], scope),
  ];
}

function stepFindings(step: unknown, path: SpecPath, visible: Omit<Scope, "place">): readonly Finding[] {
  const check = (value: unknown, place: Place, ...rest: SpecPath): readonly Finding[] =>
    templateFindings(value, [...path, ...rest], { ...visible, place });
  const files = entriesOf(field(step, "files")).map(([name]) => String(name));
  const folder = fileThatIsAFolder(files);
  return [
    ...check(field(step, "run"), "run", "run"),
    ...check(field(step, "if"), "if", "if"),
    ...entriesOf(field(step, "env")).flatMap(([name, value]) => check(value, "env", "env", name)),
    ...entriesOf(field(step, "files")).flatMap(([name, value]) => check(value, "files", "files", name)),
    ...entriesOf(field(step, "outputs")).flatMap(([name, output]) =>
      check(field(output, "value"), "output", "outputs", name, "value"),
    ),
    ...(folder === undefined
      ? []
      : [{ path: [...path, "files", folder], at: "key" as const, message: "is also the folder of another file" }]),
  ];
}

function templateFindings(value: unknown, path: SpecPath, scope: Scope): readonly Finding[] {
  if (typeof value !== "string") return [];
  return checkTemplate(value, scope).map(({ offset, message, remedy }) => ({
    path,
    at: "value",
    textOffset: offset,
    message,
    remedy,
  }));
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined;
  return (value as Readonly<Record<string, unknown>>)[name]; // an object that has the property
}

function entriesOf(value: unknown): readonly (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((entry: unknown, index) => [index, entry]);
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
