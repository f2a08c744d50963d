import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { specLimits } from "./limits.ts";
import { parseSpec } from "./parse-spec.ts";
import { printedSchema, schemaFile } from "./print-schema.ts";
import { forbiddenFolders } from "./sandbox-path.ts";
import { specJsonSchema, type JsonSchema } from "./schema/json-schema.ts";
import { helpers } from "./template/helpers.ts";
import { variables } from "./template/variables.ts";

const reference = await readFile(fileURLToPath(new URL("../../../docs/api/spec.md", import.meta.url)), "utf8");

test("the committed JSON Schema is the one of the code", async () => {
  const committed = await readFile(schemaFile, "utf8");
  const isStale = committed !== (await printedSchema());
  const remedy = "docs/api/spec.schema.json is stale. Write it again: node shared/src/spec/print-schema.ts";
  expect(isStale ? remedy : "up to date").toBe("up to date");
});

describe("the reference", () => {
  test("has every field, with its default", () => {
    // Both lists of filters have entries of the same fields, described once.
    const fields = fieldsOf(specJsonSchema()).filter(([path]) => !path.startsWith("filters.exclude[]"));
    const rows = new Map(
      reference.matchAll(/^\| `([^`]+)` +\| (.*)$/gm).map(([, field = "", rest = ""]) => [field, rest]),
    );
    expect([...rows.keys()]).toEqual(expect.arrayContaining(fields.map(([path]) => path)));
    for (const [path, schema] of fields) {
      const value = schema.default;
      // That lists and mappings are empty by default goes without saying.
      if (value === undefined || typeof value === "object") continue;
      expect({ path, row: rows.get(path) }).toEqual({
        path,
        row: expect.stringContaining(`\`${value === "" ? '""' : value}\``),
      });
    }
  });

  test("has every limit", () => {
    const numbers = new Set(reference.matchAll(/\d[\d,]*/g).map(([number]) => Number(number.replaceAll(",", ""))));
    const inOtherUnits: ReadonlySet<string> = new Set(["minTimeoutMs", "defaultTimeoutMs", "maxTimeoutMs"]);
    const missing = Object.entries(specLimits).filter(([name, limit]) => {
      const amounts = [limit, limit / 1024, limit / 1024 / 1024];
      return !inOtherUnits.has(name) && !amounts.some((amount) => numbers.has(amount));
    });
    expect(missing).toEqual([]);
  });

  test("has every variable, helper and forbidden folder", () => {
    for (const name of variables.keys()) expect(reference).toContain(`\`${name}\``);
    for (const { usage } of Object.values(helpers)) expect(reference).toContain(`\`${usage}\``);
    for (const folder of forbiddenFolders) expect(reference).toContain(`\`${folder}\``);
  });

  test("has examples that are valid", () => {
    const examples = reference
      .matchAll(/^```yaml\n(version: 1\n[\s\S]*?)^```$/gm)
      .map(([, example = ""]) => example)
      .toArray();
    expect(examples.length).toBeGreaterThanOrEqual(3);
    for (const example of examples) expect(() => parseSpec(example)).not.toThrow();
  });
});

/** Every field that people can write, as `steps[].outputs.NAME.value`. */
function fieldsOf(schema: JsonSchema, path = ""): readonly (readonly [string, JsonSchema])[] {
  const join = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const field: readonly [string, JsonSchema] = [join(name), property];
    return [field].concat(fieldsOf(property, join(name)));
  });
  const named =
    typeof schema.additionalProperties === "object" ? fieldsOf(schema.additionalProperties, join("NAME")) : [];
  const items = schema.items === undefined ? [] : fieldsOf(schema.items, `${path}[]`);
  const forms = (schema.anyOf ?? []).flatMap((form) => fieldsOf(form, path));
  return [...properties, ...named, ...items, ...forms];
}
