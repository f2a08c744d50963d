/**
 * Turns an OpenAPI 3.0 schema into JSON Schema: `nullable` becomes a type, annotations that only OpenAPI knows are
 * dropped, references point into `#/components`, which the validator has registered.
 */
export function toJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toJsonSchema);
  if (typeof schema !== "object" || schema === null) return schema;
  const { nullable, example: _, examples: __, discriminator: ___, ...rest } = schema as Record<string, unknown>;
  const converted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key.startsWith("x-")) continue;
    if (key === "properties" || key === "patternProperties") converted[key] = convertEach(value);
    else if (key === "$ref" && typeof value === "string") converted[key] = value.replace(/^#/, "github#");
    // These carry values, not schemas.
    else if (key === "enum" || key === "default" || key === "required") converted[key] = value;
    else converted[key] = toJsonSchema(value);
  }
  return nullable === true ? orNull(converted) : converted;
}

function convertEach(schemas: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schemas as Record<string, unknown>).map(([name, schema]) => [name, toJsonSchema(schema)]),
  );
}

function orNull(schema: Record<string, unknown>): Record<string, unknown> {
  return { anyOf: [schema, { type: "null" }] };
}
