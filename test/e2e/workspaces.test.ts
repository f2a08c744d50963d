import { afterEach, beforeEach, expect, test } from "vitest";
import { startWorld, type World } from "./world.ts";

const spec = `
version: 1
name: engines
on:
  - org: acme
workspaces:
  - { rootAtLocationOf: package.json, exclude: ["."], onlyFetchWorkspace: true, in: mono }
steps:
  - image: debian:12
    run: |
      ls -A > LISTED
      ls -A .. >> LISTED
      printf '%s\\n' "\${{ workspace.path }}" >> LISTED
pullRequest:
  title: List \${{ workspace.path }}
  body: |
    Adds \${{ join(steps.added_files, ", ") }}.
`;

let world: World;
beforeEach(async () => {
  world = await startWorld();
  const { github } = world;
  await github.addOrganization("acme");
  github.addUser("ana");
  const files = Object.fromEntries(["a", "b b"].map((name) => [`packages/${name}/package.json`, "{}\n"]));
  await github.addRepository({ owner: "acme", name: "mono", files: { "package.json": "{}\n", ...files } });
});
afterEach(() => world.close());

async function publish(): Promise<void> {
  await world.api.preview("engines");
  await world.settled();
  await world.api.publish("engines");
  await world.settled();
}
const standings = async () =>
  (await world.api.repositories("engines")).map(({ workspace, standing }) => [workspace, standing]);
const pullRequests = () => world.github.pullRequests().toSorted((one, other) => (one.title < other.title ? -1 : 1));

test("each package of a monorepo is changed by itself, from preview to pull request", async () => {
  await world.api.apply(spec);
  await publish();
  expect(await standings()).toEqual([
    ["packages/a", "open"],
    ["packages/b b", "open"],
  ]);
  expect(pullRequests().map(({ title, body }) => [title, body?.split("\n")[0]])).toEqual([
    ["List packages/a", "Adds packages/a/LISTED."],
    ["List packages/b b", "Adds packages/b b/LISTED."],
  ]);
  // Only the workspace is laid out; paths are relative to the root of the repository.
  const diff = await world.api.diff("engines", "acme/mono", "packages/b b");
  expect(diff).toContain("+++ b/packages/b b/LISTED");
  expect(diff.split("\n").filter((line) => /^\+[^+]/.test(line))).toEqual([
    "+LISTED",
    "+package.json",
    "+b b",
    "+packages/b b",
  ]);
});

test("a package that is gone has its pull request closed, whatever webhooks say of it meanwhile", async () => {
  await world.api.apply(spec);
  await publish();
  await world.github.pushCommit("acme/mono", { branch: "main", files: { "packages/a/package.json": null }, as: "ana" });
  await publish();
  expect(await standings()).toEqual([
    ["packages/a", "excluded"],
    ["packages/b b", "open"],
  ]);
  expect(pullRequests().map(({ title, state }) => [title, state])).toEqual([
    ["List packages/a", "closed"],
    ["List packages/b b", "open"],
  ]);
  const closed = (await world.api.audit()).filter(({ action }) => action === "pull-request.closed");
  expect(closed).toMatchObject([{ actor: "octobatch", detail: { workspace: "packages/a" } }]);
  expect(await world.api.verifyAudit()).toMatchObject({ intact: true });
  const [gone] = await world.stores.changesets.ofRepository("engines", world.github.repository("acme/mono").id);
  expect(gone?.state).toMatchObject({ status: "withdrawn" });
});
