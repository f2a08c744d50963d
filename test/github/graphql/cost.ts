import { Kind, type DocumentNode, type OperationDefinitionNode, type SelectionSetNode, type ValueNode } from "graphql";
import { Refusal } from "../http/refusal.ts";

/** The most nodes one query may ask for. */
const mostNodes = 500_000;

export interface Cost {
  /** Of the hourly budget: the connections that have to be read, by hundreds, one at least. */
  readonly points: number;
  /** The most nodes that the query could answer. */
  readonly nodes: number;
}

/** Prices an operation the way GitHub documents it, from its `first` and `last` arguments alone. */
export function costOf(
  operation: OperationDefinitionNode,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): Cost {
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
        const size = selection.arguments?.find(({ name }) => name.value === "first" || name.value === "last");
        const count = size === undefined ? undefined : numberOf(size.value, variables);
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
    throw new Refusal(
      200,
      `This query requests up to ${total.nodes} possible nodes which exceeds the maximum limit of ${mostNodes}.`,
    );
  }
  return { points: Math.max(1, Math.round(total.requests / 100)), nodes: total.nodes };
}

function numberOf(value: ValueNode, variables: Readonly<Record<string, unknown>>): number | undefined {
  if (value.kind === Kind.INT) return Number(value.value);
  if (value.kind !== Kind.VARIABLE) return undefined;
  const given = variables[value.name.value];
  return typeof given === "number" ? given : undefined;
}
