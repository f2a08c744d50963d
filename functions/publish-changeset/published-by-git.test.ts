import { afterEach, beforeEach, expect, test } from "vitest";
import { changesetReady } from "#eventing/changeset.ts";
import { allFunctions } from "#functions/all.ts";
import { CodeHostUnavailable } from "#shared/ports/code-host.ts";
import { openFunctionWorld, specText, writes, type FunctionWorld } from "#shared/testing/function-world.ts";
import { publishChangeset } from "./publish-changeset.ts";

/** As git quotes it: `café.txt` in Latin-1. */
const path = String.raw`"caf\351.txt"`;

let world: FunctionWorld;
beforeEach(async () => {
  world = await openFunctionWorld({ functions: allFunctions, transform: () => writes({ [path]: "changed\n" }) });
  world.codeHost.addRepository({ owner: "acme", name: "api", files: { a: "" } });
  await world.preview(specText());
  await world.settle();
  await world.call("POST", "/campaigns/node-24/publications");
});
afterEach(() => world.close());

test("a file with a name that the API does not take is pushed by git, once, and the audit log says why", async () => {
  const event = world.announced(changesetReady);
  world.codeHost.failNext("pushCommit", new CodeHostUnavailable("the line is dead"), "afterwards");
  await world.deliver(publishChangeset, event);
  world.clock.advance(60_000);
  await world.settle();
  expect(world.codeHost.pullRequests("acme/api")).toMatchObject([{ state: "open" }]);
  const methods = world.codeHost.mutations.map(({ method }) => method);
  expect(methods.filter((method) => method === "pushCommit")).toHaveLength(1);
  expect(methods).not.toContain("createCommit");
  const moved = (await world.stores.audit.page({ limit: 100 })).find(({ action }) => action === "branch.moved");
  expect(moved?.detail).toMatchObject({ pushed: `the API takes no file that is named ${path}` });
});
