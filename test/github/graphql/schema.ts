import { readFile } from "node:fs/promises";
import { buildSchema, type GraphQLSchema } from "graphql";

let known: Promise<GraphQLSchema> | undefined;

/** GitHub's official schema, read once a process (about 0.3 s). */
export function githubSchema(): Promise<GraphQLSchema> {
  known ??= load();
  return known;
}

async function load(): Promise<GraphQLSchema> {
  // The package exports its index only; the schema lies beside it.
  const path = new URL("schema.graphql", import.meta.resolve("@octokit/graphql-schema"));
  // GitHub's own schema is valid by definition; checking its 1,636 types would only take time.
  return buildSchema(await readFile(path, "utf8"), { assumeValidSDL: true, assumeValid: true });
}
