import { afterEach, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { startWorld, type World } from "./world.ts";

const spec = `
version: 1
name: capped
on: [{ org: acme }]
steps: [{ run: "echo capped > CAPPED", image: "debian:12" }]
pullRequest: { title: Cap, body: Cap }
`;

let world: World;
afterEach(() => world.close());

test("with a cap of 7 a day over 60 repositories, 7 open on the first day and 7 on the next", async () => {
  const clock = createManualClock(new Date("2026-03-01T10:00:00Z"));
  world = await startWorld({ clock, pullRequestsPerDay: 7 });
  const { github, api } = world;
  await github.addOrganization("acme");
  for (let number = 1; number <= 60; number += 1)
    await github.addRepository({ owner: "acme", name: `repository-${number}` });
  await api.apply(spec);
  await api.preview("capped");
  await world.settled();
  expect(await api.publish("capped")).toMatchObject({ asked: 60 });
  await world.settled();
  expect(github.pullRequests()).toHaveLength(7);

  const waiting = (await api.repositories("capped")).find(({ standing }) => standing === "ready");
  expect(waiting?.because).toContain("daily cap of acme is reached: 7 pull requests on 2026-03-01");

  clock.set(new Date("2026-03-01T23:59:30Z"));
  await world.settled();
  expect(github.pullRequests()).toHaveLength(7);

  clock.set(new Date("2026-03-02T00:00:00Z"));
  await world.settled();
  expect(github.pullRequests()).toHaveLength(14);
});

test("a campaign's own cap holds below that of its organization", async () => {
  const clock = createManualClock(new Date("2026-03-01T10:00:00Z"));
  world = await startWorld({ clock, pullRequestsPerDay: 7 });
  const { github, api } = world;
  await github.addOrganization("acme");
  for (let number = 1; number <= 4; number += 1)
    await github.addRepository({ owner: "acme", name: `repository-${number}` });
  await api.apply(`${spec}policies: { throttle: { pullRequestsPerDay: 2 } }\n`);
  await api.preview("capped");
  await world.settled();
  await api.publish("capped");
  await world.settled();
  expect(github.pullRequests()).toHaveLength(2);
});
