import type { Caller } from "../auth/caller.ts";
import type { RateLimits } from "../limits/rate-limits.ts";
import type { Site } from "../site.ts";

export interface GraphqlContext {
  readonly site: Site;
  readonly rates: RateLimits;
  readonly caller: Caller;
  readonly cost: { readonly points: number; readonly nodes: number };
  /** A field that is to fail once, before or after its effect. */
  failing: { readonly field: string; readonly isAfter: boolean } | undefined;
}

/** Arguments as graphql-js coerced them by the schema. */
export type Arguments = Readonly<Record<string, unknown>>;

/**
 * Resolves the fields of one type. `Source` is what the field that led here answered. A field that is not listed is
 * an error that names it: nothing is ever null because nobody thought of it.
 */
export type FieldResolvers<Source> = Readonly<
  Record<string, (source: Source, args: Arguments, context: GraphqlContext) => unknown>
>;

/** What a resolver answers where the schema has an object: the type's name and what its resolvers work on. */
export interface GraphqlObject<Source = unknown> {
  readonly __typename: string;
  readonly source: Source;
}

export function object<Source>(typename: string, source: Source): GraphqlObject<Source> {
  return { __typename: typename, source };
}

/** An argument that the schema declares as a string (or ID, enum, GitObjectID …). */
export function text(args: Arguments, name: string): string {
  const value = args[name];
  if (typeof value !== "string") throw new TypeError(`The argument ${name} is not a string.`);
  return value;
}

export function optionalText(args: Arguments, name: string): string | undefined {
  const value = args[name];
  return typeof value === "string" ? value : undefined;
}

export function optionalBoolean(args: Arguments, name: string): boolean | undefined {
  const value = args[name];
  return typeof value === "boolean" ? value : undefined;
}

export function optionalNumber(args: Arguments, name: string): number | undefined {
  const value = args[name];
  return typeof value === "number" ? value : undefined;
}

/** The `input` of a mutation, whose shape the schema has enforced. */
export function input(args: Arguments): Arguments {
  const value = args["input"];
  if (typeof value !== "object" || value === null) throw new TypeError("A mutation has an input.");
  // The schema has enforced an input object, whose keys are strings.
  return value as Arguments;
}
