import { Ajv2020 } from "ajv/dist/2020.js";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createApi } from "./api.ts";
import type { ApiCapabilities } from "./capabilities.ts";
import { openApiFile, printedOpenApi } from "./print-openapi.ts";

const operation = z.looseObject({
  summary: z.string().min(10),
  security: z.tuple([z.object({ token: z.tuple([]) })]),
  parameters: z
    .array(z.looseObject({ name: z.string(), in: z.enum(["path", "query", "header"]), schema: z.looseObject({}) }))
    .default([]),
  responses: z.record(z.string(), z.looseObject({ description: z.string().min(1) })),
});
const openApi = z.looseObject({
  openapi: z.literal("3.1.0"),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})) }),
});

const text = await printedOpenApi();
const document = openApi.parse(JSON.parse(text));
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, described]) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    ...described,
  })),
);

test("docs/api/openapi.json is what the routes are", async () => {
  const remedy = "docs/api/openapi.json is stale. Write it again: node functions/api/print-openapi.ts";
  expect({ remedy, text: await readFile(openApiFile, "utf8") }).toEqual({ remedy, text });
});

test("the document describes every route, and no other", () => {
  // As for printing: nothing is called.
  const { routes } = createApi({ apiTokens: new Map() } as unknown as ApiCapabilities);
  const served = routes
    .filter(({ method, path }) => method !== "ALL" && path !== "/api/v1/openapi.json")
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`);
  expect(operations.map(({ name }) => name).toSorted()).toEqual([...new Set(served)].toSorted());
});

test("docs/api/http.md names every route", async () => {
  const page = await readFile(new URL("../../docs/api/http.md", import.meta.url), "utf8");
  for (const { name } of operations) expect(page).toContain(`\`${name.replace("/api/v1", "")}\``);
});

describe("each operation", () => {
  test.each(operations.map((each) => [each.name, each] as const))(
    "%s is described completely",
    (_, { path, ...each }) => {
      const inPath = each.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(Object.keys(each.responses)).toEqual(expect.arrayContaining(["200", "400", "401"]));
    },
  );
});

test("every schema is one, and every reference leads somewhere", () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "http://octobatch.test/openapi", ...document });
  const names = Object.keys(document.components.schemas);
  const pointer = "http://octobatch.test/openapi#/components/schemas";
  expect(names.filter((name) => ajv.getSchema(`${pointer}/${name}`) === undefined)).toEqual([]);
  for (const [, pointer = ""] of text.matchAll(/"\$ref": "#\/components\/schemas\/(\w+)"/g)) {
    expect(document.components.schemas).toHaveProperty(pointer);
  }
});
