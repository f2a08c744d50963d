import { createManualClock, type ManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryCodeHost, type MemoryCodeHost } from "#shared/adapters/memory/memory-code-host.ts";
import { createMutationGate } from "#shared/adapters/postgres/campaign-store.ts";
import { createStores, type Stores } from "#shared/adapters/postgres/stores.ts";
import type { AuditEntry } from "#shared/audit/audit-entry.ts";
import { wholeLog } from "#shared/audit/audit-log.ts";
import {
  desiredNow,
  isFresh,
  lastHeadOf,
  publishedOf,
  type Changeset,
  type ChangesetState,
} from "#shared/changeset/changeset.ts";
import { marker } from "#shared/changeset/wanted.ts";
import type { CommitWay } from "#shared/changeset/plan-commit.ts";
import { planPublish } from "#shared/changeset/plan-publish.ts";
import type { Wanted } from "#shared/changeset/publication.ts";
import { publish } from "#shared/changeset/publish.ts";
import { retire } from "#shared/changeset/retire.ts";
import type { FileChange, RepositoryRef } from "#shared/ports/code-host.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { aChangeset, aSpec, aSpecVersion, noon } from "./builders.ts";
import { testDatabase } from "./postgres.ts";

/** One changeset of campaign `tidy` in `acme/api`, a real Postgres, and a code host in memory. */
export interface PublicationWorld {
  readonly codeHost: MemoryCodeHost;
  readonly clock: ManualClock;
  readonly stores: Stores;
  readonly repository: RepositoryRef;
  /** What `publish` publishes: to be set before it. */
  spec: Spec;
  /** What the patch makes of the file `a`, by spec version. */
  content: (specVersion: number) => string;
  /** By which way its commit is made: to be set before it. */
  way: CommitWay;
  /** Does what the function publish-changeset does, once. Answers what it did or why it left it. */
  publish(): Promise<string>;
  changeset(): Promise<Changeset>;
  /** Puts the changeset into a state, or makes it want something else. */
  put(change: Partial<Pick<Changeset, "state" | "desired">>): Promise<void>;
  /** The actions of the audit log, in order. */
  actions(): Promise<readonly string[]>;
  auditLog(): Promise<readonly AuditEntry[]>;
  /** Does something while the audit log cannot be written. */
  withoutAuditLog(work: () => Promise<void>): Promise<void>;
  /** How many slots are taken, today or on another day. */
  slotsTaken(day?: string): Promise<number>;
  close(): Promise<void>;
}

/** Opens a world in which the changeset is ready to be published. */
export async function publicationWorld(): Promise<PublicationWorld> {
  const db = await testDatabase();
  const { knex } = db.database;
  const stores = createStores(knex, []);
  const gate = createMutationGate(knex);
  const clock = createManualClock(noon);
  const codeHost = createMemoryCodeHost({ clock });
  const repository = codeHost.addRepository({
    owner: "acme",
    name: "api",
    files: { a: "old" },
    collaborators: ["ana"],
  });
  const parent = (await codeHost.branchHead(repository, "main")) ?? "";
  const { id } = aChangeset({ repository });
  const transact = <Result>(work: (stores: Stores) => Promise<Result>): Promise<Result> =>
    knex.transaction((transaction) => work(createStores(transaction, [])));

  await stores.campaigns.apply(aSpecVersion());
  await stores.changesets.addAll([aChangeset({ repository, state: { status: "ready" } })], noon);

  function wantedOf(changeset: Changeset, branch: string): Wanted {
    const { specVersion, executionId } = desiredNow(changeset);
    const text = Buffer.from(world.content(specVersion));
    const changes: readonly FileChange[] = [{ kind: "write", path: "a", mode: "100644", content: text }];
    const { title, body, commit } = world.spec.pullRequest;
    return {
      changeset,
      branch,
      published: publishedOf(changeset.state),
      isFresh: isFresh(changeset.state),
      ours: lastHeadOf(changeset.state),
      spec: world.spec,
      specVersion,
      executionId,
      parent,
      tree: codeHost.treeWith("acme/api", parent, changes),
      changes,
      way: world.way,
      commitMessage: commit.message,
      commitAt: noon,
      title,
      body: `${body}\n\n${marker(changeset, specVersion)}`,
    };
  }

  const world: PublicationWorld = {
    codeHost,
    clock,
    stores,
    repository,
    spec: aSpec(),
    content: (specVersion) => `version ${specVersion}`,
    way: { kind: "api" },
    async publish() {
      const ready = await stores.changesets.get(id);
      const plan = planPublish(ready, await stores.campaigns.get("tidy"));
      if (plan.kind === "leave") return plan.because;
      const needs = { codeHost, gate, clock, transact, pullRequestsPerDay: 100 };
      if (plan.kind === "close") return (await retire(ready, plan.published, world.spec.policies.drift, needs)).did;
      return (await publish(ready, plan, wantedOf(ready, plan.branch), needs)).did;
    },
    changeset: () => stores.changesets.get(id),
    async put(change) {
      await stores.changesets.saveAll([{ ...(await stores.changesets.get(id)), ...change }], clock.now());
    },
    async auditLog() {
      return Array.fromAsync(wholeLog(stores.audit));
    },
    async withoutAuditLog(work) {
      await knex.raw("ALTER TABLE audit_log RENAME TO audit_log_away");
      await work();
      await knex.raw("ALTER TABLE audit_log_away RENAME TO audit_log");
    },
    async actions() {
      return (await world.auditLog()).map(({ action }) => action);
    },
    async slotsTaken(day = "2026-03-10") {
      const answer = await knex.raw<{ rows: { taken: number }[] }>(
        "SELECT count(*) AS taken FROM publish_slots WHERE day = ?",
        [day],
      );
      return answer.rows[0]?.taken ?? 0;
    },
    close: () => db.drop(),
  };
  return world;
}

/** The state of a changeset of version 1 that is asked to become version 2. */
export function readyFor(specVersion: number, state: ChangesetState): Pick<Changeset, "state" | "desired"> {
  const published = publishedOf(state);
  const desired = { run: specVersion, specVersion, executionId: `x-${specVersion}` };
  return { state: { status: "ready", ...(published && { published }) }, desired };
}
