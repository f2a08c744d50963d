import type * as z from "zod";
import { shorten, type Finding, type SpecPath } from "../finding.ts";
import { nearest, suggestion } from "../nearest.ts";
import { keysAt } from "./json-schema.ts";

type Issue = z.core.$ZodIssue;

/** What the schema finds wrong with a value, in words for people. */
export function schemaFindings(issues: readonly Issue[], document: unknown): readonly Finding[] {
  return issues.flatMap((issue) => findingsOf(issue, [], document));
}

function findingsOf(issue: Issue, prefix: SpecPath, document: unknown): readonly Finding[] {
  const path = [...prefix, ...pathOf(issue)];
  const value = valueAt(document, path);
  const finding = (message: string, remedy?: string): readonly Finding[] => [{ path, at: "value", message, remedy }];
  switch (issue.code) {
    case "invalid_type":
      return [typeFinding([issue.expected], path, value)];
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(path, key, value));
    case "invalid_union":
      return unionFindings(issue, path, document);
    case "invalid_value":
      return value === undefined
        ? [typeFinding([], path, value)]
        : finding(`has to be ${issue.values.map(String).join(" or ")}`, meant(value, issue.values.map(String)));
    case "too_big":
      return finding(tooBig(issue));
    case "too_small":
      return finding(
        Number(issue.minimum) === 1 && issue.origin !== "number" && issue.origin !== "int"
          ? "is empty"
          : `has to be ${issue.minimum} at least`,
      );
    case "invalid_key":
      return issue.issues.map((inner) => ({ path, at: "key", message: inner.message, remedy: remedyOf(inner) }));
    case "custom":
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_element":
      return finding(issue.message, remedyOf(issue));
  }
}

function tooBig({ origin, maximum }: Extract<Issue, { code: "too_big" }>): string {
  if (origin === "string") return `is longer than ${maximum} characters`;
  return origin === "array" ? `has more than ${maximum} entries` : `has to be ${maximum} at most`;
}

/** The form that was most likely meant decides what is said about a value that has none of them. */
function unionFindings(
  issue: Extract<Issue, { code: "invalid_union" }>,
  path: SpecPath,
  document: unknown,
): readonly Finding[] {
  const value = valueAt(document, path);
  const expected = issue.errors.flatMap((errors) =>
    errors.flatMap((error) => (error.code === "invalid_type" && error.path.length === 0 ? [error.expected] : [])),
  );
  const candidates = issue.errors.filter(
    (errors) => !errors.some(({ code, path: at }) => code === "invalid_type" && at.length === 0),
  );
  const [likeliest] = candidates.toSorted((a, b) => unlikeliness(a) - unlikeliness(b));
  if (likeliest === undefined) return [typeFinding(expected, path, value)];
  if (isMapping(value) && Object.keys(value).length === 0) {
    return [{ path, at: "value", message: "is empty", remedy: suggestion("", keysAt(path)) }];
  }
  const unknown = likeliest.filter(({ code }) => code === "unrecognized_keys");
  return (unknown.length > 0 ? unknown : likeliest).flatMap((error) => findingsOf(error, path, document));
}

function unlikeliness(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => {
    if (issue.code === "unrecognized_keys") return sum + 3 * issue.keys.length;
    return sum + (issue.code === "invalid_type" ? 2 : 1);
  }, 0);
}

function unknownKey(path: SpecPath, key: string, value: unknown): Finding {
  const place = { path: [...path, key], at: "key" } as const;
  const known = keysAt(path);
  if (known.includes(key) && isMapping(value)) {
    const others = Object.keys(value).filter((other) => other !== key && known.includes(other));
    return { ...place, message: `cannot stand beside ${others.join(" and ")}`, remedy: "write one entry for each" };
  }
  if (key === "<<") return { ...place, message: "merge keys are not supported", remedy: "write the keys out" };
  const present = isMapping(value) ? Object.keys(value) : [];
  const missing = known.filter((candidate) => !present.includes(candidate));
  return {
    ...place,
    message: "unknown key",
    remedy: suggestion(key, nearest(key, missing) === undefined ? known : missing),
  };
}

function typeFinding(expected: readonly string[], path: SpecPath, value: unknown): Finding {
  if (value === undefined) return { path, at: "value", message: "is missing" };
  const wanted = [...new Set(expected.map((type) => typeNames[type] ?? type))].join(" or ");
  if (value === null) return { path, at: "value", message: `has no value, and has to be ${wanted}` };
  const scalar = typeof value === "number" || typeof value === "boolean";
  const remedy = scalar && wanted.includes("text") ? `put it in quotes: "${value}"` : undefined;
  return { path, at: "value", message: `has to be ${wanted}, not ${typeName(value)}`, remedy };
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return `the text ${JSON.stringify(shorten(value))}`;
  return isMapping(value) ? "a mapping" : `the ${typeof value} ${String(value)}`;
}

function meant(value: unknown, candidates: readonly string[]): string | undefined {
  const candidate = typeof value === "string" ? nearest(value, candidates) : undefined;
  return candidate === undefined ? undefined : `did you mean "${candidate}"?`;
}

/** Where schemas have left a remedy, see `text`. */
function remedyOf(issue: Issue): string | undefined {
  const remedy: unknown = issue.code === "custom" ? issue.params?.["remedy"] : undefined;
  return typeof remedy === "string" ? remedy : undefined;
}

function pathOf({ path }: Issue): SpecPath {
  return path.map((part) => (typeof part === "symbol" ? part.toString() : part));
}

function valueAt(document: unknown, path: SpecPath): unknown {
  return path.reduce<unknown>((value, part) => {
    if (Array.isArray(value) && typeof part === "number") return value[part];
    return isMapping(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }, document);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
