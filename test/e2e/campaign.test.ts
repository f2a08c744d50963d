import { afterEach, beforeEach, expect, test } from "vitest";
import { startWorld, type World } from "./world.ts";

const spec = `
version: 1
name: add-notice
description: Every repository gets a notice.
on:
  - org: acme
filters:
  exclude:
    - topic: frozen
steps:
  - name: write the notice
    image: debian:12
    run: |
      if [ -f NOTICE ]; then exit 0; fi
      printf 'Made by %s\\n' "\${{ repository.owner }}" > NOTICE
pullRequest:
  title: Add a notice to \${{ repository.name }}
  body: |
    Adds \${{ join(steps.added_files, ", ") }}.
  labels: [campaign, notices]
  reviewers: [ana]
  assignees: [ana, nobody]
  commit:
    message: Add a notice
`;

let world: World;

beforeEach(async () => {
  world = await startWorld();
  const { github } = world;
  await github.addOrganization("acme");
  github.addUser("ana");
  await github.addRepository({ owner: "acme", name: "widgets", files: { "README.md": "widgets\n" } });
  await github.addRepository({ owner: "acme", name: "noticed", files: { NOTICE: "here already\n" } });
  await github.addRepository({ owner: "acme", name: "old", archived: true });
  await github.addRepository({ owner: "acme", name: "nothing", empty: true });
  await github.addRepository({ owner: "acme", name: "ice", topics: ["frozen"] });
  github.addCollaborator("acme/widgets", "ana");
});

afterEach(() => world.close());

async function publish(): Promise<void> {
  await world.api.apply(spec);
  await world.api.preview("add-notice");
  await world.settled();
  await world.api.publish("add-notice");
  await world.settled();
}

test("a preview says where every repository stands, and why, and writes nothing to GitHub", async () => {
  const { api, github } = world;
  await api.apply(spec);
  await api.preview("add-notice");
  await world.settled();

  const standings = (await api.repositories("add-notice")).map(({ fullName, standing }) => [fullName, standing]);
  expect(standings).toEqual([
    ["acme/ice", "excluded"],
    ["acme/nothing", "excluded"],
    ["acme/noticed", "no-change"],
    ["acme/old", "excluded"],
    ["acme/widgets", "unpublished"],
  ]);
  expect(await api.diff("add-notice", "acme/widgets")).toContain("+Made by acme");
  expect(github.requests.filter(({ isWrite }) => isWrite).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

test("publishing opens one pull request with everything that the template asks for", async () => {
  await publish();

  const [pullRequest, ...others] = world.github.pullRequests();
  expect(others).toEqual([]);
  expect(pullRequest).toMatchObject({ title: "Add a notice to acme/widgets" });
  const row = (await world.api.repositories("add-notice")).find(({ standing }) => standing === "open");
  expect(row?.because).toContain("nobody");
});

test("what people do to a pull request shows in its campaign", async () => {
  await publish();
  const standing = async (): Promise<string | undefined> =>
    (await world.api.repositories("add-notice")).find(({ fullName }) => fullName === "acme/widgets")?.standing;

  await world.github.closePullRequest("acme/widgets", 1);
  await world.settled();
  expect(await standing()).toBe("closed");

  await world.github.reopen("acme/widgets", 1);
  await world.settled();
  expect(await standing()).toBe("open");

  await world.github.mergePullRequest("acme/widgets", 1);
  await world.settled();
  expect(await standing()).toBe("merged");
  expect(await world.api.verifyAudit()).toMatchObject({ intact: true });
});

test("a commit of a person on the branch is left alone, and shown", async () => {
  await publish();
  const [pullRequest] = world.github.pullRequests();
  await world.github.pushCommit("acme/widgets", {
    branch: String(pullRequest?.headBranch),
    files: { "mine.txt": "mine\n" },
  });
  await world.settled();
  const row = (await world.api.repositories("add-notice")).find(({ standing }) => standing === "needs-human");
  expect(row?.fullName).toBe("acme/widgets");
});

test("a new version of the spec updates the pull request that is open", async () => {
  await publish();
  await world.api.apply(spec.replace("Made by", "Built by").replace("title: Add", "title: Do add"));
  await world.api.preview("add-notice");
  await world.settled();
  await world.api.publish("add-notice");
  await world.settled();
  expect(world.github.pullRequests().map(({ number, title }) => [number, title])).toEqual([
    [1, "Do add a notice to acme/widgets"],
  ]);
});

test("editing only the text of the pull request runs no step again", async () => {
  await publish();
  await world.api.apply(spec.replace("title: Add", "title: Do add"));
  const before = await world.stores.tasks.counts("add-notice");
  await world.api.preview("add-notice");
  await world.settled();
  const executions = (counts: typeof before): number =>
    counts.filter(({ type }) => type.includes("execution.requested")).reduce((sum, { count }) => sum + count, 0);
  expect(executions(await world.stores.tasks.counts("add-notice"))).toBe(executions(before));
});
