import { parseTemplate } from "./parser.ts";
import type { Expression } from "./syntax.ts";

/** The variables that a template reads, such as `repository.name`, in the order of the text. */
export function variablesIn(template: string): readonly string[] {
  return parseTemplate(template).parts.flatMap((part) =>
    part.kind === "expression" ? variablesOf(part.expression) : [],
  );
}

function variablesOf(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "literal":
      return [];
    case "variable":
      return [expression.path.join(".")];
    case "call":
      return expression.operands.flatMap(variablesOf);
    case "not":
      return variablesOf(expression.operand);
    case "compare":
    case "logic":
      return [...variablesOf(expression.left), ...variablesOf(expression.right)];
  }
}
