// Writes the generated parts of docs/api/cli.md anew: node cli/src/print-reference.ts
import { readFile, writeFile } from "node:fs/promises";
import { updateReference } from "./reference.ts";

const page = new URL("../../docs/api/cli.md", import.meta.url);
await writeFile(page, updateReference(await readFile(page, "utf8")));
