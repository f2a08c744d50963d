import * as z from "zod";

/** What a check has to say about a text that it does not accept. */
export interface Objection {
  readonly message: string;
  readonly remedy?: string;
}

/**
 * A text with a check of its own. In the JSON Schema only the length is left of it; the check runs when the spec is
 * parsed.
 */
export function text(
  maxCharacters: number,
  check: (value: string) => Objection | undefined = () => undefined,
): z.ZodString {
  return z
    .string()
    .max(maxCharacters)
    .superRefine((value, context) => {
      const objection = check(value);
      if (objection === undefined) return;
      const { message, remedy } = objection;
      context.addIssue({ code: "custom", message, ...(remedy === undefined ? {} : { params: { remedy } }) });
    });
}

/** A text that people see on one line: no line breaks, nothing that hides or reorders what stands there. */
export function lineOfText(
  maxCharacters: number,
  check: (value: string) => Objection | undefined = () => undefined,
): z.ZodString {
  return text(maxCharacters, (value) => {
    if (value.trim() === "") return { message: "is empty" };
    const hidden = hiddenCharacter(value);
    if (hidden !== undefined)
      return { message: `has the character ${hidden}`, remedy: "keep it on one line of plain text" };
    return check(value);
  }).min(1);
}

/** Control characters, line separators and marks that change the direction of writing; as `U+202E`. */
export function hiddenCharacter(value: string): string | undefined {
  const [found] = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u.exec(value) ?? [];
  return found && `U+${found.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** What git accepts as the name of a branch. https://git-scm.com/docs/git-check-ref-format */
export function branchObjection(name: string): Objection | undefined {
  const wrong =
    /[\s~^:?*[\\\p{Cc}]/u.test(name) ||
    /^[/-]|\/$|\.$|\/\/|\.\.|@\{|(?:^|\/)\.|\.lock(?:$|\/)/.test(name) ||
    name === "@" ||
    name.startsWith("refs/");
  return wrong
    ? { message: "is no name that git accepts for a branch", remedy: "write it as in main or release/1.x" }
    : undefined;
}

/** A path in a repository or a sandbox that leads nowhere else. */
export function pathObjection(path: string): Objection | undefined {
  if (hiddenCharacter(path) !== undefined || path.includes("\\")) {
    return { message: "has a character that paths may not have here", remedy: "use / and plain text" };
  }
  const parts = path.replace(/^\//, "").split("/");
  if (parts.some((part) => part === ".." || part === "." || part === "")) {
    return { message: "has a part that is empty, . or ..", remedy: "write the path as it ends up" };
  }
  return undefined;
}
