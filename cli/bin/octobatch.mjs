#!/usr/bin/env node
// The `octobatch` command: hands its arguments to the CLI, on the pinned Node.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
process.argv.splice(2, 0, join(here, "../src/main.ts"));
await import("./bootstrap.mjs");
