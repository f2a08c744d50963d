import {
  execute,
  getOperationAST,
  GraphQLError,
  Kind,
  OperationTypeNode,
  parse,
  validate,
  visit,
  type DocumentNode,
  type GraphQLFieldResolver,
  type OperationDefinitionNode,
} from "graphql";
import { z } from "zod";
import type { Caller } from "../auth/caller.ts";

import { Refusal } from "../http/refusal.ts";
import { wentWrong } from "../faults/broken-answer.ts";
import { contentOfFields } from "../limits/content.ts";
import { rateHeaders, type RateLimits } from "../limits/rate-limits.ts";
import type { Site } from "../site.ts";
import { costOf, isDryRun, type Cost } from "./cost.ts";
import type { Arguments, GraphqlContext, GraphqlObject } from "./resolver.ts";
import { resolversOf } from "./resolver-map.ts";
import { githubSchema } from "./schema.ts";

export interface GraphqlOutcome {
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
}

const requestSchema = z.object({
  query: z.string().min(1),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

/** A request that has been read: what it asks, or what is wrong with it. */
export interface GraphqlPlan {
  readonly operationName: string | undefined;
  readonly rootFields: readonly string[];
  /** Every field anywhere in the document. */
  readonly fields: ReadonlySet<string>;
  readonly isMutation: boolean;
  readonly run: Execution | readonly Record<string, unknown>[];
}

interface Execution {
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName: string | undefined;
  readonly cost: Cost;
}

/** Reads a request by the official schema and prices it. @throws Refusal 400 when it is no GraphQL request at all */
export async function readGraphql(body: unknown): Promise<GraphqlPlan> {
  const request = requestSchema.safeParse(body);
  if (!request.success) throw new Refusal(400, "A query attribute must be specified and must be a string.");
  const { query, variables: given, operationName } = request.data;
  const variables = given ?? {};
  const document = parsed(query);
  if (document instanceof GraphQLError) return wrong(undefined, [errorShape(document)]);
  const operation = getOperationAST(document, operationName) ?? undefined;
  const invalid = validate(await githubSchema(), document);
  if (invalid.length > 0) return wrong(operation, invalid.map(errorShape));
  if (operation === undefined) return wrong(operation, [{ message: "No operation of that name is in the document." }]);
  try {
    const cost = costOf(operation, document, variables);
    const run = {
      document: priced(document, operation, variables),
      variables,
      operationName: operationName ?? undefined,
      cost,
    };
    return { ...traitsOf(operation, document), run };
  } catch (error) {
    if (error instanceof Refusal) return wrong(operation, [{ type: error.type, message: error.message }]);
    throw error;
  }
}

/** Runs what was read, if the limits allow it. Errors come in GitHub's shape, with HTTP status 200. @throws Refusal */
export async function answerGraphql(
  site: Site,
  rates: RateLimits,
  call: {
    readonly caller: Caller;
    readonly plan: GraphqlPlan;
    /** A field that is to fail once. */
    readonly failing: GraphqlContext["failing"];
    readonly onClosed: (done: () => void) => void;
  },
): Promise<GraphqlOutcome> {
  const { caller, plan } = call;
  const { run } = plan;
  const answer = (body: Record<string, unknown>, more: Readonly<Record<string, string>> = {}): GraphqlOutcome => ({
    body,
    headers: { ...rateHeaders(rates, caller, "graphql"), ...more },
  });
  try {
    const admission = rates.admit(caller, {
      resource: "graphql",
      cost: "cost" in run && !run.cost.isDryRun ? run.cost.points : 0,
      points: plan.isMutation ? 5 : 1,
      content: plan.isMutation ? contentOfFields(plan.rootFields) : 0,
      operation: plan.operationName ?? plan.rootFields.join(" "),
    });
    call.onClosed(() => admission.release());
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 200) throw error;
    const { type, message, headers } = error;
    return answer({ errors: [{ ...(type === undefined ? {} : { type }), message }] }, headers);
  }
  if (!("cost" in run)) return answer({ errors: run });
  const contextValue: GraphqlContext = { site, rates, caller, cost: run.cost, failing: call.failing };
  const { data, errors } = await execute({
    schema: await githubSchema(),
    document: run.document,
    contextValue,
    variableValues: run.variables,
    ...(run.operationName === undefined ? {} : { operationName: run.operationName }),
    fieldResolver,
    // Every object that a resolver answers carries the name of its type.
    typeResolver: (value) => (value as GraphqlObject).__typename,
  });
  return answer({ data: data ?? null, ...(errors === undefined ? {} : { errors: errors.map(errorShape) }) });
}

function wrong(operation: OperationDefinitionNode | undefined, run: readonly Record<string, unknown>[]): GraphqlPlan {
  return { ...traitsOf(operation), run };
}

function traitsOf(
  operation: OperationDefinitionNode | undefined,
  document?: DocumentNode,
): Pick<GraphqlPlan, "operationName" | "rootFields" | "fields" | "isMutation"> {
  const fields = new Set<string>();
  if (document !== undefined) visit(document, { Field: ({ name }) => void fields.add(name.value) });
  return {
    operationName: operation?.name?.value,
    rootFields: rootFieldsOf(operation),
    fields,
    isMutation: operation?.operation === OperationTypeNode.MUTATION,
  };
}

/** A dry run answers its price alone, so nothing else of it is left. */
function priced(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): DocumentNode {
  if (!isDryRun(operation, variables)) return document;
  const selections = operation.selectionSet.selections.filter(
    (selection) => selection.kind === Kind.FIELD && selection.name.value === "rateLimit",
  );
  const alone = { ...operation, selectionSet: { ...operation.selectionSet, selections } };
  return { ...document, definitions: document.definitions.map((node) => (node === operation ? alone : node)) };
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
  if (context.failing?.field === fieldName) return failOnce(context, () => resolver(inner, args as Arguments, context));
  const value = resolver(inner, args as Arguments, context);
  if (value === undefined)
    throw new Error(`The local GitHub's resolver of ${parentType.name}.${fieldName} answered nothing.`);
  return value;
};

/** The field that an injected fault names: null with an error, before or after its effect. */
async function failOnce(context: GraphqlContext, resolve: () => unknown): Promise<never> {
  const isAfter = context.failing?.isAfter === true;
  context.failing = undefined;
  if (isAfter) await resolve();
  throw new Refusal(200, wentWrong, { type: "SERVICE_UNAVAILABLE" });
}

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
