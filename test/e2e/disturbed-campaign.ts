import type { RequestTraits } from "../github/faults/faults.ts";
import { outcomeOf, type Outcome } from "./outcome.ts";
import { scriptedFiles } from "./scripted-sandbox.ts";
import { startVirtualWorld, type VirtualWorld } from "./virtual-world.ts";

const spec = `
version: 1
name: disturbed
on: [{ org: acme }]
steps:
  - { run: "one", image: "debian:12" }
pullRequest:
  title: One for \${{ repository.name }}
  body: One
  labels: [one, campaign]
  assignees: [app-owner]
  reviewers: [ana]
`;

const second = spec.replace('run: "one"', 'run: "two"').replace("title: One", "title: Two");
const repositories = ["bolts", "nuts", "widgets"];

/** One kind of request that a part of the campaign makes, and how often. */
export interface Operation extends Pick<RequestTraits, "surface" | "method" | "graphqlFields"> {
  readonly operation: string;
  readonly count: number;
}

/** The parts in which a campaign speaks to GitHub to publish and to reconcile. */
export const parts = ["publish", "update", "merge"] as const;

export type Part = (typeof parts)[number];

export type Operations = Readonly<Record<Part, readonly Operation[]>>;

/** A request that something went wrong with. */
export interface Hit {
  readonly part: Part;
  readonly operation: string;
  readonly kind: string;
}

export interface Run {
  readonly outcome: Outcome;
  /** What each part asked of GitHub, each kind of request once. */
  readonly operations: Operations;
  /** The faults that hit a request: part, kind of request, kind of fault. */
  readonly hits: readonly Hit[];
  /** How many reads were shown something old. */
  readonly staleReads: number;
  /** How deliveries of webhooks went, as GitHub's record has it. */
  readonly deliveries: ReadonlySet<string>;
}

/** Makes things go wrong in a part of the campaign. */
export type Disturbance = (world: VirtualWorld, part: Part) => void;

/**
 * A campaign over three repositories: published, updated by a second version of its spec, one pull request merged and one
 * closed by people. Each part begins at an hour of its own, so that what is made carries the same dates however long the
 * part before has taken, and with tokens that have expired, so that it asks for new ones.
 */
export async function runCampaign(disturb: Disturbance, requestTimeoutMs = 12_000): Promise<Run> {
  const world = await startVirtualWorld({ startAt: new Date("2026-03-02T08:00:00Z"), requestTimeoutMs });
  const { github, clock, api } = world;
  const operations = new Map<Part, readonly Operation[]>();
  const deliveries = new Set<string>();
  const hits: Hit[] = [];

  async function undisturbed(work: () => Promise<void>): Promise<void> {
    github.faults.clear();
    github.lags.clear();
    github.webhookFaults.clear();
    await work();
    await world.finished();
  }

  async function disturbed(part: Part, startAt: Date, work: () => Promise<unknown>): Promise<void> {
    if (clock.now() > startAt) throw new Error(`What came before "${part}" has lasted into it.`);
    clock.set(startAt);
    const { faults, deliveries: delivered } = github;
    const before = { seen: faults.seen.length, fired: faults.fired.length, deliveries: delivered.length };
    disturb(world, part);
    await work();
    await world.finished();
    operations.set(part, distinct(github.faults.seen.slice(before.seen)));
    for (const { fault } of github.faults.fired.slice(before.fired)) {
      hits.push({ part, operation: fault.match?.operation ?? "any", kind: fault.kind });
    }
    for (const { status } of github.deliveries.slice(before.deliveries)) deliveries.add(status);
  }

  async function preview(text: string): Promise<void> {
    await api.apply(text);
    await api.preview("disturbed");
  }

  try {
    await github.addOrganization("acme");
    github.addUser("ana");
    for (const name of repositories) {
      await github.addRepository({ owner: "acme", name, files: scriptedFiles });
      github.addCollaborator(`acme/${name}`, "ana");
    }
    await undisturbed(() => preview(spec));
    await disturbed("publish", new Date("2026-03-02T12:00:00Z"), () => api.publish("disturbed"));

    clock.set(new Date("2026-03-03T08:00:00Z"));
    await undisturbed(() => preview(second));
    await disturbed("update", new Date("2026-03-03T12:00:00Z"), () => api.publish("disturbed"));

    await undisturbed(() => world.sweep());
    await disturbed("merge", new Date("2026-03-04T12:00:00Z"), async () => {
      await github.mergePullRequest("acme/widgets", 1);
      await github.closePullRequest("acme/nuts", 1);
    });
    await undisturbed(() => world.sweep());
    return {
      outcome: await outcomeOf(github, world.stores, "disturbed"),
      // Every part is in it: each was run.
      operations: Object.fromEntries(operations) as Operations,
      hits,
      staleReads: github.lags.staleReads,
      deliveries,
    };
  } finally {
    await world.close();
  }
}

function distinct(seen: readonly RequestTraits[]): readonly Operation[] {
  const byName = new Map<string, Operation>();
  for (const { operation, surface, method, graphqlFields } of seen) {
    if (operation === undefined) continue;
    const count = (byName.get(operation)?.count ?? 0) + 1;
    byName.set(operation, { operation, surface, method, graphqlFields, count });
  }
  return [...byName.values()];
}
