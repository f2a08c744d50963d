import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { specJsonSchema } from "./schema/json-schema.ts";

/** The committed JSON Schema, which editors read. */
export const schemaFile = fileURLToPath(new URL("../../../docs/api/spec.schema.json", import.meta.url));

/** The text of the file as it has to be now. */
export function printedSchema(): Promise<string> {
  return format(JSON.stringify(specJsonSchema()), { parser: "json", printWidth: 120 });
}

// Run by itself, it writes the file: node shared/src/spec/print-schema.ts
if (import.meta.main) await writeFile(schemaFile, await printedSchema());
