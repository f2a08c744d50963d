import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { rowsOf } from "#shared/adapters/postgres/sql.ts";
import { documentedLimits } from "../github/limits/github-limits.ts";
import { MortalWorker } from "./mortal-worker.ts";
import { startSurroundings, type Surroundings } from "./world.ts";

const spec = `
version: 1
name: selecting
on: [{ org: acme }]
filters: { include: [{ file: NOBODY-HAS-THIS }] }
steps: [{ run: "true", image: "debian:12" }]
pullRequest: { title: None, body: None }
`;

let surroundings: Surroundings;
let worker: MortalWorker;
afterEach(async () => {
  await worker.end();
  await surroundings.close();
});

/** Waits until all pages are read, killing the process after so many effects, always another number of them. */
async function untilSelected(): Promise<void> {
  let armedAt = -1;
  while ((await surroundings.stores.runs.get("selecting", 1)).selectedAt === undefined) {
    await worker.revive();
    if (armedAt !== worker.crashes) {
      armedAt = worker.crashes;
      await worker.arm(20 + 7 * armedAt);
    }
    await sleep(20);
  }
}

test("5,000 repositories are selected, none lost and none twice, though the process is killed again and again", async () => {
  surroundings = await startSurroundings({ limits: documentedLimits });
  const { github, database } = surroundings;
  await github.addOrganization("acme");
  await github.addRepositories(5000, { owner: "acme" });
  worker = new MortalWorker(surroundings);
  await worker.ask((api) => api.apply(spec));
  await worker.ask((api) => api.preview("selecting"));
  await untilSelected();

  const { knex } = database.database;
  const targets = await rowsOf<{ readonly key: string }>(knex, "SELECT key FROM repo_targets", {});
  expect(targets).toHaveLength(5000);
  expect(new Set(targets.map(({ key }) => key)).size).toBe(5000);
  // A page costs a request, and each death at most one more.
  const pages = github.requests.filter(({ kind }) => kind === "graphql").length;
  expect(worker.crashes).toBeGreaterThan(3);
  expect(pages).toBeGreaterThanOrEqual(50);
  expect(pages).toBeLessThanOrEqual(50 + worker.crashes);
  expect(github.rateRefusals).toEqual([]);
}, 300_000);
