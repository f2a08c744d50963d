import {
  Kind,
  type DocumentNode,
  type FieldNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from "graphql";
import { Refusal } from "../http/refusal.ts";

/** The most nodes one query may ask for. */
const mostNodes = 500_000;

export interface Cost {
  /** Of the hourly budget: the connections that have to be read, by hundreds, one at least. */
  readonly points: number;
  /** The most nodes that the query could answer. */
  readonly nodes: number;
  /** Only the price is wanted (`rateLimit(dryRun: true)`): it is shown and not paid. */
  readonly isDryRun: boolean;
}

type Variables = Readonly<Record<string, unknown>>;

/**
 * Prices an operation the way GitHub documents it, from its `first` and `last` arguments alone. What hangs below
 * `nodes(ids:)` counts once for each id, which GitHub does not document.
 * https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
 * @throws Refusal when it asks for more than 500,000 nodes
 */
export function costOf(operation: OperationDefinitionNode, document: DocumentNode, given: Variables): Cost {
  const variables = withDefaults(operation, given);
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition.selectionSet] as const] : [],
    ),
  );
  const total = { requests: 0, nodes: 0 };
  const visit = (selections: SelectionSetNode | undefined, times: number): void => {
    for (const selection of selections?.selections ?? []) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) visit(fragments.get(selection.name.value), times);
      else if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet, times);
      else {
        const count = countOf(selection, variables);
        if (count !== undefined) {
          total.requests += times;
          total.nodes += times * count;
        }
        visit(selection.selectionSet, times * (count ?? 1));
      }
    }
  };
  visit(operation.selectionSet, 1);
  if (total.nodes > mostNodes) {
    const [asked, most] = [total.nodes, mostNodes].map((number) => number.toLocaleString("en-US"));
    const message = `This query requests up to ${asked} possible nodes which exceeds the maximum limit of ${most}.`;
    throw new Refusal(200, message, { type: "MAX_NODE_LIMIT_EXCEEDED" });
  }
  return {
    points: Math.max(1, Math.round(total.requests / 100)),
    nodes: total.nodes,
    isDryRun: isDryRun(operation, variables),
  };
}

/** Whether the operation asks for its own price alone. */
export function isDryRun(operation: OperationDefinitionNode, variables: Variables): boolean {
  return operation.selectionSet.selections.some((selection) => {
    if (selection.kind !== Kind.FIELD || selection.name.value !== "rateLimit") return false;
    const value = argument(selection, "dryRun");
    if (value?.kind === Kind.VARIABLE) return variables[value.name.value] === true;
    return value?.kind === Kind.BOOLEAN && value.value;
  });
}

function countOf(field: FieldNode, variables: Variables): number | undefined {
  const size = argument(field, "first") ?? argument(field, "last");
  if (size !== undefined) return numberOf(size, variables);
  const ids = field.name.value === "nodes" ? argument(field, "ids") : undefined;
  if (ids?.kind === Kind.LIST) return ids.values.length;
  const list = ids?.kind === Kind.VARIABLE ? variables[ids.name.value] : undefined;
  return Array.isArray(list) ? list.length : undefined;
}

function argument(field: FieldNode, name: string): ValueNode | undefined {
  return field.arguments?.find((candidate) => candidate.name.value === name)?.value;
}

function withDefaults(operation: OperationDefinitionNode, given: Variables): Variables {
  const defaults = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
    defaultValue?.kind === Kind.INT ? [[variable.name.value, Number(defaultValue.value)] as const] : [],
  );
  return { ...Object.fromEntries(defaults), ...given };
}

function numberOf(value: ValueNode, variables: Variables): number | undefined {
  if (value.kind === Kind.INT) return Number(value.value);
  if (value.kind !== Kind.VARIABLE) return undefined;
  const given = variables[value.name.value];
  return typeof given === "number" ? given : undefined;
}
