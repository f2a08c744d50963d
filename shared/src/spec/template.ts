import { specLimits } from "./limits.ts";
import type { TemplateContext } from "./template/context.ts";
import { evaluate } from "./template/evaluate.ts";
import { parseTemplate } from "./template/parser.ts";
import type { TemplatePart } from "./template/syntax.ts";
import { UnrenderableTemplate } from "./template/unrenderable-template.ts";
import { textOf } from "./template/value.ts";
import { variablesIn } from "./template/variables-in.ts";

/**
 * Renders a template that is plain text: the content of a file, the value of an output, a text of the pull request.
 * Never for anything that a shell reads, see {@link renderRun}.
 * @throws UnrenderableTemplate when the result is larger than 4 MiB, or needs what is not there.
 */
export function renderText(template: string, context: TemplateContext): string {
  return rendered(template, context, specLimits.textBytes);
}

/**
 * Renders the value of an environment variable.
 * @throws UnrenderableTemplate also when it cannot be one: larger than 96 KiB, or with a NUL character.
 */
export function renderVariable(template: string, context: TemplateContext): string {
  return variable(rendered(template, context, specLimits.valueBytes));
}

/**
 * Renders a script without ever putting a value into it: each expression becomes `${OCTOBATCH_VALUE_n}`, a reference to a
 * variable of `env`, so that whatever a value holds, the shell does not read it as code.
 * @throws UnrenderableTemplate when a value cannot be an environment variable, or needs what is not there.
 */
export function renderRun(
  script: string,
  context: TemplateContext,
): { readonly script: string; readonly env: Readonly<Record<string, string>> } {
  const env: Record<string, string> = {};
  let count = 0;
  let bytes = 0;
  const pieces = partsOf(script).map((part) => {
    if (part.kind === "text") return part.text;
    count += 1;
    const name = `OCTOBATCH_VALUE_${count}`;
    const value = variable(textOf(evaluate(part.expression, context)));
    bytes += Buffer.byteLength(value);
    if (bytes > specLimits.scriptValuesBytes)
      throw tooLarge("the values in a script have", specLimits.scriptValuesBytes);
    env[name] = value;
    return `\${${name}}`;
  });
  return { script: pieces.join(""), env };
}

/** Whether a step runs: its `if` renders to `true`. @throws UnrenderableTemplate as {@link renderText} does. */
export function renderCondition(template: string, context: TemplateContext): boolean {
  return renderText(template, context).trim() === "true";
}

/** What is known of an execution before anything has run. */
const knownRoots: ReadonlySet<string> = new Set(["campaign", "repository", "workspace"]);

/** False when a condition only reads what is known before anything has run. */
export function conditionNeedsExecution(template: string): boolean {
  return variablesIn(template).some((name) => !knownRoots.has(name.split(".")[0] ?? ""));
}

function rendered(template: string, context: TemplateContext, maxBytes: number): string {
  let bytes = 0;
  const pieces = partsOf(template).map((part) => {
    const piece = part.kind === "text" ? part.text : textOf(evaluate(part.expression, context));
    bytes += Buffer.byteLength(piece);
    if (bytes > maxBytes) throw tooLarge("a template renders to", maxBytes);
    return piece;
  });
  return pieces.join("");
}

function variable(value: string): string {
  if (Buffer.byteLength(value) > specLimits.valueBytes)
    throw tooLarge("a value in a script or variable has", specLimits.valueBytes);
  if (value.includes("\0")) throw new UnrenderableTemplate("a value has a NUL character, which no variable can hold");
  return value;
}

function tooLarge(what: string, maxBytes: number): UnrenderableTemplate {
  return new UnrenderableTemplate(
    `${what} more than ${maxBytes} bytes. Pass large data between steps in a file under /tmp.`,
  );
}

function partsOf(template: string): readonly TemplatePart[] {
  const { parts, findings } = parseTemplate(template);
  const [first] = findings;
  if (first !== undefined) throw new UnrenderableTemplate(first.message);
  return parts;
}
