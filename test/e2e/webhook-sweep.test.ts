import { afterEach, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { isHeeded } from "#shared/webhook/plan-webhook.ts";
import { startWorld, type World } from "./world.ts";

const spec = `
version: 1
name: swept
on: [{ org: acme }]
steps: [{ run: "echo swept > SWEPT", image: "debian:12" }]
pullRequest: { title: Swept, body: Swept }
`;

/** Longer than the pause before a webhook is asked for again, shorter than the quarter of an hour of the other sweep. */
const sixMinutesMs = 6 * 60_000;

let world: World;
afterEach(() => world.close());

test("a merge whose webhooks GitHub could not deliver is known before pull requests are compared again, once", async () => {
  const clock = createManualClock(new Date("2026-03-02T09:00:00Z"));
  world = await startWorld({ clock });
  const { github, api, stores } = world;
  await github.addOrganization("acme");
  for (const name of ["one", "two"]) await github.addRepository({ owner: "acme", name });
  await api.apply(spec);
  await api.preview("swept");
  await world.settled();
  await api.publish("swept");
  await world.settled();

  github.webhookFaults.add({ kind: "fail", times: 1000 });
  for (const name of ["one", "two"]) await github.mergePullRequest(`acme/${name}`, 1);
  await world.settled();
  const lost = github.deliveries.filter(({ statusCode }) => statusCode === 502).map(({ guid }) => guid);
  expect(lost.length).toBeGreaterThan(2);
  expect((await api.repositories("swept")).map(({ standing }) => standing)).toEqual(["open", "open"]);

  github.webhookFaults.clear();
  clock.advance(sixMinutesMs);
  // The platform's own tick, every ten seconds of the machine's time.
  const standings = async () => {
    await world.settled();
    return (await api.repositories("swept")).map(({ standing }) => standing);
  };
  await expect.poll(standings, { timeout: 40_000, interval: 200 }).toEqual(["merged", "merged"]);
  expect(await stores.changesets.uncheckedSince(new Date(clock.now().getTime() - 15 * 60_000), 10)).toEqual([]);

  // What was asked for again arrived once, and was acted on once.
  const again = github.deliveries.filter(({ isRedelivery }) => isRedelivery).map(({ guid }) => guid);
  const heeded = github.deliveries.filter(({ guid, request }) => lost.includes(guid) && isHeeded(request.event));
  expect(again.toSorted()).toEqual([...new Set(heeded.map(({ guid }) => guid))].toSorted());
  expect(new Set(again).size).toBe(again.length);
  expect(await stores.deliveries.processed(again)).toEqual(new Set(again));
  const opened = (await api.audit()).filter(({ action }) => action === "pull-request.opened");
  expect([opened.length, github.pullRequests().length]).toEqual([2, 2]);
});

test("where the App is installed is known although no webhook told of it", async () => {
  const clock = createManualClock(new Date("2026-03-02T09:00:00Z"));
  world = await startWorld({ clock });
  const { github, stores } = world;
  github.webhookFaults.add({ kind: "lose", times: 1000 });
  await github.addOrganization("acme");
  const { id } = github.installation("acme");
  clock.advance(2 * sixMinutesMs);
  await expect
    .poll(() => stores.installations.list(), { timeout: 40_000, interval: 200 })
    .toEqual([{ id, account: "acme", suspended: false }]);
});
