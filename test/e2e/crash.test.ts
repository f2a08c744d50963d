import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { MortalWorker } from "./mortal-worker.ts";
import { outcomeOf, timeless, type TimelessOutcome } from "./outcome.ts";
import { startSurroundings, type Surroundings } from "./world.ts";

const spec = `
version: 1
name: crashing
on: [{ org: acme }]
steps:
  - { run: "echo one > ONE", image: "debian:12" }
pullRequest:
  title: One
  body: One
  labels: [one]
  assignees: [app-owner]
  reviewers: [ana]
`;

/** More effects than any campaign has; the message to the worker is JSON, which knows no infinity. */
const never = Number.MAX_SAFE_INTEGER;

/** Runs a spec from its application to its pull request. */
async function runSpec(surroundings: Surroundings, worker: MortalWorker, text: string): Promise<void> {
  await worker.ask((api) => api.apply(text));
  await worker.ask((api) => api.preview("crashing"));
  await untilEnded(surroundings, worker);
  await worker.ask((api) => api.publish("crashing"));
  await untilEnded(surroundings, worker);
}

/** Runs these specs one after the other; during the last one the process dies after so many effects. */
async function campaign(
  specs: readonly string[],
  crashAfter: number,
): Promise<{ outcome: TimelessOutcome; effects: number; crashes: number }> {
  const surroundings = await startSurroundings();
  const { github, stores } = surroundings;
  await github.addOrganization("acme");
  github.addUser("ana");
  await github.addRepository({ owner: "acme", name: "widgets" });
  github.addCollaborator("acme/widgets", "ana");
  const worker = new MortalWorker(surroundings);
  try {
    await worker.revive();
    for (const text of specs.slice(0, -1)) await runSpec(surroundings, worker, text);
    await worker.arm(crashAfter);
    await runSpec(surroundings, worker, specs.at(-1) ?? "");
    const effects = crashAfter === never ? await worker.countEffects() : 0;
    const outcome = timeless(await outcomeOf(github, stores, "crashing"));
    return { outcome, effects, crashes: worker.crashes };
  } finally {
    await worker.end();
    await surroundings.close();
  }
}

const final = new Set(["done", "dead", "cancelled"]);

/** Waits until every task has come to its end, those that are tried again later included, reviving the dead worker. */
async function untilEnded({ stores }: Surroundings, worker: MortalWorker): Promise<void> {
  do {
    await worker.revive();
    await sleep(20);
  } while ((await stores.tasks.counts("crashing")).some(({ state }) => !final.has(state)));
}

const opening = ["branch.moved", "pull-request.opened", "labels.added", "assignees.added", "reviewers.added"];
const updating = ["branch.moved", "pull-request.updated"];
const audited = (version: number, actions: readonly string[]): readonly string[] =>
  actions.map((action) => `acme/widgets v${version} ${action}`);
const second = spec.replace("echo one > ONE", "echo two > ONE").replace("title: One", "title: Two");

test.each([
  { what: "opening a pull request", specs: [spec], audited: audited(1, opening) },
  {
    what: "updating it",
    specs: [spec, second],
    audited: [...audited(1, opening), ...audited(2, updating)],
  },
])(
  "kill -9 after any effect of $what, then starting again, ends as an undisturbed run does",
  async (scene) => {
    const { outcome: undisturbed, effects } = await campaign(scene.specs, never);
    expect(undisturbed.pullRequests).toHaveLength(1);
    expect(undisturbed).toMatchObject({ auditLog: "intact", dead: [] });
    expect(undisturbed.audited).toEqual(scene.audited);

    // Two at a time: each waits mostly for processes to start.
    const points = Array.from({ length: effects }, (_, index) => index + 1);
    const different: unknown[] = [];
    let crashes = 0;
    const lane = async (): Promise<void> => {
      for (let point = points.shift(); point !== undefined; point = points.shift()) {
        const { outcome, crashes: crashed } = await campaign(scene.specs, point);
        crashes += crashed;
        if (JSON.stringify(outcome) !== JSON.stringify(undisturbed)) different.push({ point, outcome });
      }
    };
    await Promise.all([lane(), lane()]);
    expect(different).toEqual([]);
    // Which effect comes last varies a little, so the last points may never be reached.
    expect(crashes).toBeGreaterThan(effects * 0.8);
  },
  1_800_000,
);
