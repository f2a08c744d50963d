import { afterAll, beforeAll, expect, test } from "vitest";
import { exitCodes } from "./exit-codes.ts";
import { openApiWorld, type ApiWorld } from "./testing/api-world.ts";
import { aSpec, makePreviewed, runAgainst } from "./testing/command-line.ts";
import type { createTestIo } from "./testing/test-io.ts";

let world: ApiWorld;
beforeAll(async () => {
  world = await openApiWorld();
  await makePreviewed(world, "shown");
});
afterAll(() => world.close());

const octobatch = (commandLine: string, options: Parameters<typeof createTestIo>[0] = {}) =>
  runAgainst(world, commandLine, options);

test("changes lists the changed files of each repository", async () => {
  const { code, out, err } = await octobatch("changes shown");
  expect([code, err]).toEqual([exitCodes.ok, ""]);
  expect(out).toBe(`REPOSITORY         CHANGE    LINES  FILE
acme/also-changed  modified  +1 -1  x
acme/changed       modified  +1 -1  x

2 files in 2 repositories.
`);
});

test("a search shows the lines that it has found", async () => {
  expect((await octobatch("changes shown --path ? --removed ol --added new")).out).toMatch(
    /^acme\/changed +modified +\+1 -1 +x +-old\n +\+new$/mu,
  );
  const { repositories } = JSON.parse((await octobatch("changes shown --added new --json")).out);
  expect(repositories).toMatchObject([
    { fullName: "acme/also-changed", files: [{ path: "x", added: ["new"], removed: [] }] },
    { fullName: "acme/changed", found: 1 },
  ]);
});

test("a search that finds nothing says so, and is no error", async () => {
  const { code, out } = await octobatch("changes shown --path **.md --change added");
  expect([code, out]).toEqual([exitCodes.ok, "The patches of run 1 of shown have no such file.\n"]);
});

test("more repositories than are shown are told, and shown with --all", async () => {
  await runAgainst(world, "apply -", { stdin: aSpec("many") });
  expect((await octobatch("changes many")).out).toBe("Not previewed yet: octobatch preview many\n");
  await runAgainst(world, "preview many --no-wait");
  const patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n";
  await world.finish(
    "many",
    Array.from({ length: 101 }, (_, index) => ({ name: `r${index}`, patch })),
  );
  expect((await octobatch("changes many")).out).toMatch(
    /^100 files in 100 repositories, and there are more: add --all\.$/mu,
  );
  expect((await octobatch("changes many --all")).out).toMatch(/^101 files in 101 repositories\.$/mu);
  expect(JSON.parse((await octobatch("changes many --json")).out)).toMatchObject({ more: true, run: 1 });
});

test("patches that are not searched in full are named", async () => {
  await runAgainst(world, "apply -", { stdin: aSpec("odd") });
  await runAgainst(world, "preview odd --no-wait");
  await world.finish("odd", [{ name: "large", patch: "diff --git a/x b/x\n@@ -1 +1,9 @@\n" }]);
  const { out } = await octobatch("changes odd --added new");
  expect(out).toContain("have no such file.\nNot searched in full: acme/large.");
  expect(out).toContain("octobatch diff odd acme/large\n");
});

test("what cannot be looked for is refused with the remedy", async () => {
  const glob = await octobatch("changes shown --path [ab]");
  expect([glob.code, glob.err]).toEqual([exitCodes.refused, expect.stringContaining("use * ** ? and {a,b}")]);
  expect((await octobatch("changes shown --change moved")).code).toBe(exitCodes.usage);
  expect((await octobatch("changes none")).code).toBe(exitCodes.notFound);
});
