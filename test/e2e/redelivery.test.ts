import { afterEach, expect, test } from "vitest";
import { startWorld, type World } from "./world.ts";

const spec = `
version: 1
name: twice
on: [{ org: acme }]
steps: [{ run: "echo once > ONCE", image: "debian:12" }]
pullRequest: { title: Once, body: Once, labels: [once], assignees: [app-owner] }
`;

let world: World;
afterEach(() => world.close());

async function arrange(repositories: number): Promise<void> {
  await world.github.addOrganization("acme");
  for (let number = 1; number <= repositories; number += 1) {
    await world.github.addRepository({ owner: "acme", name: `repository-${number}` });
  }
  await world.api.apply(spec);
}

test("every event twice and out of order ends in one pull request a repository", async () => {
  world = await startWorld({ disturb: { duplicate: true, shuffleWithinMs: 40 } });
  await arrange(6);
  await world.api.preview("twice");
  await world.settled();
  await world.api.publish("twice");
  await world.settled();

  expect(world.github.pullRequests()).toHaveLength(6);
  const opened = (await world.api.audit()).filter(({ action }) => action === "pull-request.opened");
  expect(opened).toHaveLength(6);
  expect(await world.api.verifyAudit()).toMatchObject({ intact: true });
});

test("publishing twice, at once and again, opens no second pull request", async () => {
  world = await startWorld();
  await arrange(4);
  await world.api.preview("twice");
  await world.settled();
  const answers = await Promise.allSettled([world.api.publish("twice"), world.api.publish("twice")]);
  expect(answers.some(({ status }) => status === "fulfilled")).toBe(true);
  await world.settled();
  expect(await world.api.publish("twice")).toMatchObject({ asked: 0, under_way: 0, published: 4, left: 0 });
  await world.settled();
  expect(world.github.pullRequests()).toHaveLength(4);
});

test("a webhook that is delivered again, or late, changes nothing more", async () => {
  world = await startWorld();
  await arrange(1);
  await world.api.preview("twice");
  await world.settled();
  await world.api.publish("twice");
  await world.settled();
  await world.github.mergePullRequest("acme/repository-1", 1);
  await world.settled();
  for (const { id } of [...world.github.deliveries].toReversed()) world.github.redeliver(id);
  await world.settled();
  expect(await world.api.repositories("twice")).toMatchObject([{ standing: "merged" }]);
});
