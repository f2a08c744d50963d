import { readFile } from "node:fs/promises";
import { buildSchema, parse, validate } from "graphql";
import { describe, expect, test } from "vitest";
import { moveBranchMutation } from "./branches.ts";
import { findRepositoriesQuery, organizationPageQuery, searchPageQuery } from "./repository-queries.ts";

const sdl = new URL("schema.graphql", import.meta.resolve("@octokit/graphql-schema"));
const schema = buildSchema(await readFile(sdl, "utf8"), { assumeValidSDL: true });
const hostile = `") { id } viewer { login } #`;
const files = ["package.json", "src/a b.ts", hostile];
const manyRepositories = Array.from({ length: 100 }, (_, index) => ({
  name: `${hostile}${index}`,
  ...(index % 3 === 1 && { branch: "release/2.x" }),
  ...(index % 3 === 2 && { branch: `branch-${index}` }),
}));

const documents = {
  "a page of an organization": organizationPageQuery({ organization: hostile, files, cursor: "abc" }).query,
  "a page of an organization, no files": organizationPageQuery({ organization: "acme", files: [] }).query,
  "a page of a search": searchPageQuery({ search: hostile, files, cursor: "abc" }).query,
  "a hundred repositories by name": findRepositoriesQuery({
    organization: hostile,
    repositories: manyRepositories,
    files,
  }).query,
  "moving a branch": moveBranchMutation,
};

describe("the GraphQL documents", () => {
  test.each(Object.entries(documents))("fit GitHub's own schema: %s", (_, document) => {
    expect(validate(schema, parse(document)).map(({ message }) => message)).toEqual([]);
  });

  test.each(Object.entries(documents))("carry no name, path or search in their text: %s", (_, document) => {
    expect(document).not.toContain("viewer");
  });

  test("declare every variable that they send", () => {
    const { query, variables } = findRepositoriesQuery({ organization: "acme", repositories: manyRepositories, files });
    const declared = [
      ...query
        .split("{", 1)
        .join("")
        .matchAll(/\$(\w+):/g),
    ].map(([, name = ""]) => name);
    expect(declared.toSorted()).toEqual(Object.keys(variables).toSorted());
  });
});
