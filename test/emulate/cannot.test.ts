import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { cannot } from "./cannot.ts";
import { startEmulator } from "./emulator.ts";

describe("the emulator differs from GitHub still in", () => {
  test.each(cannot.map((each) => [each.call, each] as const))("%s", async (_, { ask, emulator }) => {
    const github = await startEmulator();
    try {
      expect(await ask(github)).toBe(emulator);
    } finally {
      await github.close();
    }
  });
});

test("the README lists all that the emulator cannot do, in the words of the list", async () => {
  const readme = await readFile(new URL("README.md", import.meta.url), "utf8");
  const [, ...rows] = readme
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| -"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const listed = cannot.map(({ call, emulator, github, source }) => [call, emulator, `[${github}](${source})`]);
  expect(rows).toEqual(listed);
});
