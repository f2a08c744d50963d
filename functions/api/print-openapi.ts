import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { createApi } from "./api.ts";
import type { ApiCapabilities } from "./capabilities.ts";

/** The committed OpenAPI document, for those who read or generate from it without a server. */
export const openApiFile = fileURLToPath(new URL("../../docs/api/openapi.json", import.meta.url));

/** The text of the file as it has to be now. */
export async function printedOpenApi(): Promise<string> {
  // Describing the routes calls none of them, so nothing but the tokens is looked at.
  const described = createApi({ apiTokens: new Map() } as unknown as ApiCapabilities);
  const document = await described.request("/api/v1/openapi.json");
  return format(await document.text(), { parser: "json", printWidth: 120 });
}

// Run by itself, it writes the file: node functions/api/print-openapi.ts
if (import.meta.main) await writeFile(openApiFile, await printedOpenApi());
