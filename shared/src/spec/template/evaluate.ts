import type { JsonValue, TemplateContext } from "./context.ts";
import { helpers } from "./helpers.ts";
import type { Expression } from "./syntax.ts";
import { UnrenderableTemplate } from "./unrenderable-template.ts";
import { isTrue, textOf } from "./value.ts";

/**
 * The value of an expression. What comes out of a variable is a value and is never read as a template again.
 * @throws UnrenderableTemplate when something it needs is not there or too large.
 */
export function evaluate(expression: Expression, context: TemplateContext): JsonValue {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "variable":
      return read(expression.path, context);
    case "call": {
      const helper = Object.hasOwn(helpers, expression.helper) ? helpers[expression.helper] : undefined;
      if (helper === undefined) throw new UnrenderableTemplate(`there is no helper ${expression.helper}`);
      return helper.apply(expression.operands.map((operand) => evaluate(operand, context)));
    }
    case "not":
      return !isTrue(evaluate(expression.operand, context));
    case "compare": {
      const same = textOf(evaluate(expression.left, context)) === textOf(evaluate(expression.right, context));
      return expression.operator === "==" ? same : !same;
    }
    case "logic": {
      const left = isTrue(evaluate(expression.left, context));
      if (expression.operator === "&&" ? !left : left) return left;
      return isTrue(evaluate(expression.right, context));
    }
  }
}

function read(path: readonly string[], context: TemplateContext): JsonValue {
  const [root, ...rest] = path;
  const { campaign, repository, workspace, steps, previous_step, step, outputs } = context;
  const roots: Readonly<Record<string, object | undefined>> = {
    campaign,
    repository: { ...repository, name: `${repository.owner}/${repository.name}`, short_name: repository.name },
    workspace,
    steps,
    // Nothing has run before when all earlier steps were skipped.
    previous_step: previous_step ?? nothingRan,
    step,
    outputs,
  };
  const value = rest.reduce<unknown>(field, root === undefined ? undefined : roots[root]);
  if (value !== undefined) return value as JsonValue; // contexts are made of JSON, see their types
  if (root === "outputs" && rest.length > 0) return null;
  throw new UnrenderableTemplate(`${path.join(".")} is not known here`);
}

const nothingRan = {
  stdout: "",
  stderr: "",
  modified_files: [],
  added_files: [],
  deleted_files: [],
  renamed_files: [],
} as const;

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  // Own properties alone, so that nothing leads to prototypes and functions; `length` of a list is the exception it has.
  if (Array.isArray(value) && !/^\d+$/.test(name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name]; // an object that has the property
}
