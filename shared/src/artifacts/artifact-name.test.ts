import { expect, test } from "vitest";
import { artifactKindOf, artifactLimits, cacheBlobKey } from "./artifact-name.ts";

const go = "attempts/0123456789ab";

test.each([
  ["result.json", "result"],
  [`${go}/patch.diff`, "patch"],
  [`${go}/changes.json`, "changes"],
  [`${go}/steps/0.log`, "log"],
  [`${go}/steps/999.log`, "log"],
])("%s is a %s", (name, kind) => {
  expect(artifactKindOf(name)).toBe(kind);
});

test.each([
  "",
  "patch.diff",
  "attempts/0123456789ab",
  "attempts/0123456789AB/patch.diff",
  "attempts/0123456789a/patch.diff",
  `${go}/result.json`,
  `${go}/../result.json`,
  `${go}/steps/../patch.diff`,
  `${go}//patch.diff`,
  `/${go}/patch.diff`,
  `${go}/steps/01.log`,
  `${go}/steps/1000.log`,
  `${go}/steps/-1.log`,
  `${go}/patch.diff\n`,
  `${go}/patch.diff\0`,
  "result.json/",
  "Result.json",
])("%j is no name of an artifact", (name) => {
  expect(artifactKindOf(name)).toBeUndefined();
});

test("the limits are those of the sandbox, with room for what JSON and a cut log add", () => {
  const limits = artifactLimits({ patchBytes: 50, logBytes: 20, diskBytes: 100 });
  expect(limits).toMatchObject({ patch: 50, log: 20 + 1024, changes: 200 });
  expect(artifactLimits({ patchBytes: 1, logBytes: 1, diskBytes: 2 ** 40 }).changes).toBe(256 * 2 ** 20);
});

test("an entry of the cache has a place by its key, and what is no key has none", () => {
  const key = "ab".repeat(32);
  expect(cacheBlobKey(key)).toBe(`cache/ab/${key}`);
  for (const none of ["", key.slice(1), `${key}0`, key.toUpperCase(), `../${key}`, `${key}\n`]) {
    expect(cacheBlobKey(none)).toBeUndefined();
  }
});
