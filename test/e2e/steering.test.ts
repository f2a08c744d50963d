import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startWorld, type World } from "./world.ts";

const spec = `
version: 1
name: steered
on: [{ org: acme }]
steps: [{ run: "echo steered > STEERED", image: "debian:12" }]
pullRequest: { title: Steer, body: Steer }
`;

let world: World;

beforeEach(async () => {
  world = await startWorld();
  await world.github.addOrganization("acme");
  for (let number = 1; number <= 12; number += 1) {
    await world.github.addRepository({ owner: "acme", name: `repository-${number}` });
  }
  await world.api.apply(spec);
  await world.api.preview("steered");
  await world.settled();
});

afterEach(() => world.close());

const writes = (): number => world.github.requests.filter(({ isWrite }) => isWrite).length;

test.each(["pause", "kill"] as const)("once a %s has been answered, no new mutation begins", async (verb) => {
  await world.api.publish("steered");
  while (world.github.pullRequests().length === 0) await sleep(5);
  await world.api.steer("steered", verb);
  const before = writes();
  await world.settled();
  expect(writes()).toBe(before);
  expect(world.github.pullRequests().length).toBeLessThan(12);
});

test("a campaign that was paused goes on where it was when it is resumed", async () => {
  await world.api.steer("steered", "pause");
  await world.api.publish("steered");
  await world.settled();
  expect(world.github.pullRequests()).toHaveLength(0);
  await world.api.steer("steered", "resume");
  await world.settled();
  expect(world.github.pullRequests()).toHaveLength(12);
});

test("a killed campaign cannot be resumed, previewed or published, and says what to do", async () => {
  await world.api.steer("steered", "kill");
  await expect(world.api.steer("steered", "resume")).rejects.toThrow("under another name");
  await expect(world.api.preview("steered")).rejects.toThrow("409");
  await expect(world.api.publish("steered")).rejects.toThrow("409");
});

test("who did what is in the audit log", async () => {
  await world.api.steer("steered", "pause");
  const entries = await world.api.audit();
  expect(entries.map(({ actor, action }) => `${actor} ${action}`)).toEqual([
    "tester campaign.applied",
    "tester campaign.previewed",
    "tester campaign.paused",
  ]);
});
