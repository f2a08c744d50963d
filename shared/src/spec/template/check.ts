import { globObjection } from "../glob.ts";
import type { TextFinding } from "../finding.ts";
import { suggestion } from "../nearest.ts";
import { helpers, type ValueType } from "./helpers.ts";
import { parseTemplate } from "./parser.ts";
import { quotingFindings } from "./shell-quoting.ts";
import type { Expression, TemplatePart } from "./syntax.ts";
import { variables, type Scope } from "./variables.ts";

/** Everything that is wrong with a template in its place: each name, helper and type in it is known before a step runs. */
export function checkTemplate(text: string, scope: Scope): readonly TextFinding[] {
  const { parts, findings } = parseTemplate(text);
  const check = new Check(scope);
  for (const part of parts) {
    if (part.kind !== "expression") continue;
    const type = check.typeOf(part.expression);
    if (type === "list") check.find(part.expression, "is a list", `join it: join(${nameOf(part.expression)}, "\\n")`);
  }
  const ofPlace = scope.place === "run" ? quotingFindings(text, parts) : [];
  const ofCondition = scope.place === "if" && findings.length === 0 ? conditionFindings(text, parts) : [];
  return [...findings, ...check.findings, ...ofPlace, ...ofCondition];
}

function conditionFindings(text: string, parts: readonly TemplatePart[]): readonly TextFinding[] {
  if (text.trim() === "true" || text.trim() === "false") return [];
  const isWhole = parts.every((part) => part.kind === "expression" || part.text.trim() === "");
  if (isWhole && parts.some(({ kind }) => kind === "expression")) return [];
  return [{ offset: 0, message: "can never be true", remedy: "write the whole condition inside of one ${{ }}" }];
}

class Check {
  readonly findings: TextFinding[] = [];
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  find({ offset }: Expression, message: string, remedy?: string): void {
    this.findings.push({ offset, message, remedy });
  }

  typeOf(expression: Expression): ValueType {
    switch (expression.kind) {
      case "literal":
        return typeof expression.value === "boolean" ? "boolean" : "text";
      case "variable":
        return this.#variable(expression, expression.path);
      case "call":
        return this.#call(expression);
      case "not":
        return this.#combination([expression.operand]);
      case "compare":
      case "logic":
        return this.#combination([expression.left, expression.right]);
    }
  }

  /** Lists are neither true nor equal to anything. */
  #combination(operands: readonly Expression[]): "boolean" {
    for (const operand of operands) {
      if (this.typeOf(operand) !== "list") continue;
      this.find(operand, "is a list, which is not true or false", 'compare a text: join(…, "") != ""');
    }
    return "boolean";
  }

  #call(call: Extract<Expression, { kind: "call" }>): ValueType {
    const types = call.operands.map((operand) => this.typeOf(operand));
    const helper = Object.hasOwn(helpers, call.helper) ? helpers[call.helper] : undefined;
    if (helper === undefined) {
      this.find(call, `unknown helper ${call.helper}`, suggestion(call.helper, Object.keys(helpers)));
      return "data";
    }
    const { usage, operands, repeats = false, result } = helper;
    const count = types.length;
    if (count < operands.length || (count > operands.length && !repeats)) {
      this.find(call, `${call.helper} is given ${count} ${count === 1 ? "value" : "values"}`, `call it as ${usage}`);
    }
    for (const [index, operand] of call.operands.entries()) {
      const wanted = operands[Math.min(index, operands.length - 1)];
      const given = types[index];
      if (wanted === "text" && given === "list")
        this.find(operand, "is a list where a text is needed", `call it as ${usage}`);
      if (wanted === "list" && (given === "text" || given === "boolean")) {
        this.find(operand, "is no list", `split it, or call ${usage} with a list`);
      }
    }
    this.#pattern(call);
    return result;
  }

  #pattern({ helper, operands: [, pattern] }: Extract<Expression, { kind: "call" }>): void {
    if (helper !== "matches" || pattern?.kind !== "literal") return;
    const objection = globObjection(String(pattern.value));
    if (objection !== undefined) this.find(pattern, objection.message, objection.remedy);
  }

  #variable(expression: Expression, path: readonly string[]): ValueType {
    const name = path.join(".");
    if (path[0] === "outputs" && path[1] !== undefined) return this.#output(expression, path[1], path);
    const variable = variables.get(name);
    if (variable === undefined) {
      this.find(expression, `unknown variable ${name}`, this.#remedy(name, path[0] ?? ""));
      return "data";
    }
    const unavailable = variable.unavailable?.(this.#scope);
    if (unavailable !== undefined) this.find(expression, `${name} ${unavailable}`);
    return variable.type;
  }

  #output(expression: Expression, output: string, path: readonly string[]): ValueType {
    const type = this.#scope.outputs.get(output);
    if (type === undefined) {
      const known = [...this.#scope.outputs.keys()];
      const remedy = known.length === 0 ? "no earlier step has outputs" : suggestion(output, known);
      this.find(expression, `unknown output ${output} of the earlier steps`, remedy);
    } else if (type === "text" && path.length > 2) {
      this.find(expression, `the output ${output} is text and has no fields`, "give it the format json or yaml");
    }
    return "data";
  }

  #remedy(name: string, root: string): string {
    if (foreignRoots.has(root)) return 'to have it in the text as it is, write ${{ "${{" }} for its beginning';
    const known = [...variables].filter(([, { unavailable }]) => unavailable?.(this.#scope) === undefined);
    const ofRoot = known.map(([variable]) => variable).filter((variable) => variable.startsWith(`${root}.`));
    const outputs = [...this.#scope.outputs.keys()].map((output) => `outputs.${output}`);
    const all = [...known.map(([variable]) => variable), ...outputs];
    return suggestion(name, ofRoot.length > 0 ? ofRoot : all);
  }
}

/** What GitHub's workflows, which campaigns often write, have between the same braces. */
const foreignRoots: ReadonlySet<string> = new Set([
  "env",
  "github",
  "inputs",
  "job",
  "jobs",
  "matrix",
  "needs",
  "runner",
  "secrets",
  "strategy",
  "vars",
]);

function nameOf(expression: Expression): string {
  return expression.kind === "variable" ? expression.path.join(".") : "…";
}
