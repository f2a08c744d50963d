import { Refusal } from "../http/refusal.ts";
import { optionalNumber, optionalText, type Arguments, type FieldResolvers } from "./resolver.ts";
import { object, type GraphqlObject } from "./resolver.ts";

/** A page of a list, as connections show it. */
export interface ConnectionSource {
  readonly nodes: readonly unknown[];
  readonly cursors: readonly string[];
  readonly totalCount: number;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

const mostNodes = 100;

/**
 * Cuts the page out of a list by first/after or last/before. Cursors are opaque and name a position.
 * @param wrap makes the node of an item; without it, the items are the nodes
 * @throws Refusal when neither or both bounds are given, or one is not within 1–100, in GitHub's words
 */
export function page<Item>(
  type: string,
  items: readonly Item[],
  args: Arguments,
  field: string,
  wrap?: (item: Item) => unknown,
): GraphqlObject<ConnectionSource> {
  const { from, to } = bounds(items.length, args, field);
  const shown = items.slice(from, to);
  const nodes = wrap === undefined ? shown : shown.map(wrap);
  return object(type, {
    nodes,
    cursors: nodes.map((_, index) => encodeCursor(from + index + 1)),
    totalCount: items.length,
    hasNextPage: to < items.length,
    hasPreviousPage: from > 0,
  });
}

function bounds(total: number, args: Arguments, field: string): { readonly from: number; readonly to: number } {
  const first = optionalNumber(args, "first");
  const last = optionalNumber(args, "last");
  if (first === undefined && last === undefined) {
    throw new Refusal(
      200,
      `You must provide a \`first\` or \`last\` value to properly paginate the \`${field}\` connection.`,
      {
        type: "MISSING_PAGINATION_BOUNDARIES",
      },
    );
  }
  checkBound(first, "first", field);
  checkBound(last, "last", field);
  const after = decodeCursor(optionalText(args, "after"), 0);
  const before = decodeCursor(optionalText(args, "before"), total + 1);
  const low = Math.min(after, total);
  const high = Math.max(low, Math.min(before - 1, total));
  if (first !== undefined) return { from: low, to: Math.min(high, low + first) };
  return { from: Math.max(low, high - (last ?? 0)), to: high };
}

function checkBound(value: number | undefined, name: string, field: string): void {
  if (value === undefined) return;
  if (value > mostNodes) {
    throw new Refusal(
      200,
      `Requesting ${value} records on the \`${field}\` connection exceeds the \`${name}\` limit of ${mostNodes} records.`,
      {
        type: "EXCESSIVE_PAGINATION",
      },
    );
  }
  if (value < 1) throw new Refusal(200, `\`${name}\` on the \`${field}\` connection must be within 1-${mostNodes}.`);
}

function encodeCursor(position: number): string {
  return Buffer.from(`cursor:v2:${position}`).toString("base64");
}

function decodeCursor(cursor: string | undefined, otherwise: number): number {
  if (cursor === undefined) return otherwise;
  const match = /^cursor:v2:(?<position>\d+)$/.exec(Buffer.from(cursor, "base64").toString("utf8"));
  const position = match?.groups?.["position"];
  if (position === undefined) {
    throw new Refusal(200, `\`${cursor}\` does not appear to be a valid cursor.`, { type: "INVALID_CURSOR_ARGUMENTS" });
  }
  return Number(position);
}

/** The fields every connection has. `extra` adds those of one kind, such as `repositoryCount`. */
export function connectionResolvers(
  edgeType: string,
  extra: FieldResolvers<ConnectionSource> = {},
): FieldResolvers<ConnectionSource> {
  return {
    nodes: ({ nodes }) => nodes,
    edges: ({ nodes, cursors }) => nodes.map((node, index) => object(edgeType, { node, cursor: cursors[index] ?? "" })),
    totalCount: ({ totalCount }) => totalCount,
    pageInfo: (source) => object("PageInfo", source),
    ...extra,
  };
}

export const pageInfoResolvers: FieldResolvers<ConnectionSource> = {
  hasNextPage: ({ hasNextPage }) => hasNextPage,
  hasPreviousPage: ({ hasPreviousPage }) => hasPreviousPage,
  startCursor: ({ cursors }) => cursors[0] ?? null,
  endCursor: ({ cursors }) => cursors.at(-1) ?? null,
};

export const edgeResolvers: FieldResolvers<{ readonly node: unknown; readonly cursor: string }> = {
  node: ({ node }) => node,
  cursor: ({ cursor }) => cursor,
};
