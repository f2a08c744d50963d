import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { updateReference } from "./reference.ts";

test("docs/api/cli.md has every command, argument, option and exit code; print-reference.ts writes them", async () => {
  const page = await readFile(new URL("../../docs/api/cli.md", import.meta.url), "utf8");
  expect(page).toBe(updateReference(page));
});

test("a page that has lost its marks is not written over", () => {
  expect(() => updateReference("# The command line")).toThrow('has no "<!-- reference');
});
