import {
  execute,
  getOperationAST,
  GraphQLError,
  Kind,
  OperationTypeNode,
  parse,
  validate,
  type DocumentNode,
  type GraphQLFieldResolver,
  type OperationDefinitionNode,
} from "graphql";
import { z } from "zod";
import type { Caller } from "../auth/caller.ts";
import { rateHeaders, type RateLimits } from "../http/rate-limits.ts";
import { Refusal } from "../http/refusal.ts";
import type { Site } from "../site.ts";
import { costOf } from "./cost.ts";
import type { GraphqlContext, GraphqlObject } from "./resolver.ts";
import { resolversOf } from "./resolver-map.ts";
import { githubSchema } from "./schema.ts";

export interface GraphqlOutcome {
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
  readonly operationName: string | undefined;
  readonly rootFields: readonly string[];
  readonly isMutation: boolean;
}

const requestSchema = z.object({
  query: z.string().min(1),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

/** Answers a GraphQL request over the official schema. Errors come in GitHub's shape, with HTTP status 200. */
export async function answerGraphql(
  site: Site,
  rates: RateLimits,
  caller: Caller,
  body: unknown,
): Promise<GraphqlOutcome> {
  const request = requestSchema.safeParse(body);
  if (!request.success) throw new Refusal(400, "A query attribute must be specified and must be a string.");
  const schema = await githubSchema();
  const { query, variables, operationName } = request.data;
  const document = parsed(query);
  const operation =
    document instanceof GraphQLError ? undefined : (getOperationAST(document, operationName) ?? undefined);
  const answer = (result: Record<string, unknown>): GraphqlOutcome => ({
    body: result,
    headers: rateHeaders(rates.state(caller, "graphql")),
    operationName: operation?.name?.value,
    rootFields: rootFieldsOf(operation),
    isMutation: operation?.operation === OperationTypeNode.MUTATION,
  });
  if (document instanceof GraphQLError) return answer({ errors: [errorShape(document)] });
  const invalid = validate(schema, document);
  if (invalid.length > 0) return answer({ errors: invalid.map(errorShape) });
  if (operation === undefined)
    return answer({ errors: [{ message: "No operation of that name is in the document." }] });
  const cost = costOf(operation, document, variables ?? {});
  try {
    rates.take(caller, "graphql", cost.points);
  } catch (error) {
    if (error instanceof Refusal) return answer({ errors: [{ type: error.type, message: error.message }] });
    throw error;
  }
  const contextValue: GraphqlContext = { site, rates, caller, cost };
  const result = await execute({
    schema,
    document,
    contextValue,
    variableValues: variables ?? {},
    ...(operationName === null || operationName === undefined ? {} : { operationName }),
    fieldResolver,
    // Every object that a resolver answers carries the name of its type.
    typeResolver: (value) => (value as GraphqlObject).__typename,
  });
  const { data, errors } = result;
  return answer({ data: data ?? null, ...(errors === undefined ? {} : { errors: errors.map(errorShape) }) });
}

function parsed(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query, { maxTokens: 20_000 });
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

function rootFieldsOf(operation: OperationDefinitionNode | undefined): readonly string[] {
  return (operation?.selectionSet.selections ?? []).flatMap((selection) =>
    selection.kind === Kind.FIELD ? [selection.name.value] : [],
  );
}

const fieldResolver: GraphQLFieldResolver<unknown, GraphqlContext> = (source, args: unknown, context, info) => {
  const { parentType, fieldName } = info;
  const resolver = resolversOf(parentType.name)?.[fieldName];
  if (resolver === undefined) {
    throw new Error(
      `The local GitHub does not answer ${parentType.name}.${fieldName}; add a resolver under test/github/graphql.`,
    );
  }
  // The roots have no source; every other object is wrapped with the name of its type.
  const inner = (source as GraphqlObject | undefined)?.source;
  const value = resolver(inner, args as Record<string, unknown>, context);
  if (value === undefined)
    throw new Error(`The local GitHub's resolver of ${parentType.name}.${fieldName} answered nothing.`);
  return value;
};

/** An error as GitHub writes it: with a `type` where a client is meant to tell it apart. */
function errorShape(error: GraphQLError): Record<string, unknown> {
  const cause = error.originalError;
  if (cause !== undefined && !(cause instanceof Refusal)) console.error("The local GitHub failed in GraphQL:", cause);
  const { path, locations } = error;
  const type = cause instanceof Refusal ? cause.type : undefined;
  return {
    ...(type === undefined ? {} : { type }),
    ...(path === undefined ? {} : { path }),
    ...(type === "FORBIDDEN" ? { extensions: { saml_failure: false } } : {}),
    ...(locations === undefined ? {} : { locations: locations.map(({ line, column }) => ({ line, column })) }),
    message: cause instanceof Refusal ? messageOf(cause) : error.message,
  };
}

/** What REST puts into `errors` is the message in GraphQL. */
function messageOf(refusal: Refusal): string {
  const first = refusal.errors?.[0];
  if (first === undefined) return refusal.message;
  if (first.message !== undefined) return first.message;
  if (first.resource === "PullRequest" && (first.field === "head" || first.field === "base")) {
    const side = first.field === "head" ? "Head" : "Base";
    return `${side} sha can't be blank, ${side} ref must be a branch`;
  }
  return `${first.field ?? first.resource} is ${first.code === "missing_field" ? "missing" : "invalid"}`;
}
