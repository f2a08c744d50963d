import { createApi } from "#functions/api/api.ts";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { createMemoryCodeHost, type MemoryCodeHost } from "#shared/adapters/memory/memory-code-host.ts";
import { createCampaignOverview } from "#shared/adapters/postgres/campaign-overview.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import { changesetIdFor, type Changeset, type ChangesetState } from "#shared/changeset/changeset.ts";
import { changedFilesOf } from "#shared/execution/changed-file.ts";
import type { Execution, ExecutionState } from "#shared/execution/execution.ts";
import { artifactPrefix } from "#shared/execution/execution.ts";
import { resultKey } from "#shared/execution/plan-collect.ts";
import { workspaceAt } from "#shared/execution/workspace.ts";
import { serializeTransformResult, type FileStatistics } from "#shared/execution/transform-result.ts";
import type { RepoTarget } from "#shared/run/run.ts";
import { createLogger } from "#shared/runtime/logger.ts";
import { alwaysReleased } from "#shared/runtime/task-release.ts";
import { testDatabase } from "#shared/testing/postgres.ts";
import type { Io } from "../io.ts";

/** What became of a repository in the newest run, as the functions would have written it. */
export interface Outcome {
  readonly name: string;
  /** The path of its workspace, of a repository that is divided. */
  readonly workspace?: string;
  /** Why it was left out. */
  readonly excluded?: string;
  /** Why its steps failed. */
  readonly failed?: string;
  /** A git patch; neither this nor the two above means that nothing changes. */
  readonly patch?: string | Uint8Array;
  readonly log?: string;
  readonly changeset?: ChangesetState;
}

/** The real API over a real database, without the functions that do the work: a test writes what they would write. */
export interface ApiWorld {
  readonly token: string;
  /** What the API sees of GitHub: nothing, until a test adds it. A page holds two repositories. */
  readonly codeHost: MemoryCodeHost;
  readonly fetch: Io["fetch"];
  /** The environment that points the command here. */
  readonly env: Io["env"];
  /** Writes the outcome of each repository of `acme` into the newest run and completes its selection. */
  finish(campaign: string, outcomes: readonly Outcome[]): Promise<void>;
  /** Moves the changesets of a campaign, such as to open. */
  moveChangesets(campaign: string, move: (name: string, state: ChangesetState) => ChangesetState): Promise<void>;
  /** Changes an entry of the audit log behind its back. */
  tamperWithAudit(): Promise<void>;
  close(): Promise<void>;
}

export async function openApiWorld(): Promise<ApiWorld> {
  const postgres = await testDatabase();
  const { database } = postgres;
  const clock = createManualClock(new Date("2026-03-04T05:06:07Z"));
  const blobs = createMemoryBlobStore();
  const stores = createStores(database.knex, alwaysReleased);
  const codeHost = createMemoryCodeHost({ clock, pageSize: 2 });
  const token = "t-0123456789";
  const app = createApi({
    ...stores,
    overview: createCampaignOverview(database.knex),
    blobs,
    codeHost,
    apiTokens: new Map([[token, "ada"]]),
    clock,
    log: createLogger("silent"),
    transact: (work) => database.knex.transaction((transaction) => work(createStores(transaction, alwaysReleased))),
  });

  async function addExecution(campaign: string, specVersion: number, id: number, outcome: Outcome): Promise<Execution> {
    const execution: Execution = {
      id: `x-${campaign}-${id}`,
      campaign,
      specVersion,
      repository: refOf(id, outcome.name),
      branch: "main",
      baseCommit: "a".repeat(40),
      workspace: workspaceAt(outcome.workspace ?? "", false),
      attempt: 1,
      version: 1,
      state: { status: "pending" },
    };
    const prefix = artifactPrefix(execution);
    const state = stateOf(outcome, prefix);
    await stores.executions.addAll([{ ...execution, state }], clock.now());
    if (outcome.patch !== undefined) {
      await stores.changedFiles.addAll(execution.id, changedFilesOf(Buffer.from(outcome.patch), [changedX]));
    }
    await blobs.put(`${prefix}/log`, Buffer.from(outcome.log ?? ""));
    await blobs.put(`${prefix}/patch`, Buffer.from(outcome.patch ?? ""));
    await blobs.put(
      resultKey(execution),
      serializeTransformResult({
        version: 1,
        executionId: execution.id,
        outcome:
          outcome.failed === undefined
            ? { status: "no-change" }
            : { status: "failed", retryable: false, failure: { kind: "step-failed", message: outcome.failed } },
        steps: [
          {
            index: 0,
            name: "codemod",
            status: outcome.failed === undefined ? "ran" : "failed",
            exitCode: outcome.failed === undefined ? 0 : 1,
            durationMs: 1234,
            logKey: `${prefix}/log`,
            logTruncated: false,
            outputs: {},
          },
        ],
        timings: { fetchMs: 0, stepsMs: 0, diffMs: 0 },
      }),
    );
    return execution;
  }

  return {
    token,
    codeHost,
    env: { OCTOBATCH_URL: "http://octobatch.test", OCTOBATCH_TOKEN: token },
    fetch: async (input, init) => app.fetch(new Request(input, init)),
    async finish(campaign, outcomes) {
      const run = await stores.runs.latest(campaign);
      if (run === undefined) throw new Error(`preview ${campaign} first`);
      const targets: RepoTarget[] = [];
      for (const [index, outcome] of outcomes.entries()) {
        const id = index + 1;
        const { name, workspace = "", excluded } = outcome;
        const target = {
          campaign,
          run: run.number,
          key: String(id),
          fullName: `acme/${name}`,
          workspace,
          repository: refOf(id, name),
        };
        if (excluded !== undefined) {
          targets.push({ ...target, selected: false, because: excluded });
          continue;
        }
        const { id: executionId } = await addExecution(campaign, run.specVersion, id, outcome);
        targets.push({ ...target, selected: true, because: "it belongs to acme", executionId });
        if (outcome.patch === undefined) continue;
        const changeset = {
          id: changesetIdFor(campaign, id, workspace),
          campaign,
          repository: target.repository,
          workspace,
          baseBranch: "main",
          desired: { run: run.number, specVersion: run.specVersion, executionId },
          state: outcome.changeset ?? { status: "unpublished" as const },
        };
        await stores.changesets.addAll([changeset], clock.now());
      }
      await stores.runs.addTargets(targets);
      await stores.runs.selectionCompleted(campaign, run.number, clock.now());
    },
    async moveChangesets(campaign, move) {
      const moved: Changeset[] = [];
      for (const changeset of await stores.changesets.ofCampaign(campaign)) {
        moved.push({ ...changeset, state: move(changeset.repository.name, changeset.state) });
      }
      await stores.changesets.saveAll(moved, clock.now());
    },
    async tamperWithAudit() {
      await database.knex.raw(
        "SET session_replication_role = replica; UPDATE audit_log SET actor = 'mallory' WHERE seq = 1",
      );
    },
    close: () => postgres.drop(),
  };
}

/** Every patch here is one of this file. */
const changedX: FileStatistics = {
  path: "x",
  change: "modified",
  mode: "100644",
  oldMode: "100644",
  additions: 1,
  deletions: 1,
  binary: false,
};

/** What a pull request of this repository looks like once it is open. */
export function openState(name: string, number: number): ChangesetState {
  return {
    status: "open",
    published: {
      pullRequest: number,
      url: `https://github.test/acme/${name}/pull/${number}`,
      branch: "campaign/x",
      headCommit: "b".repeat(40),
      specVersion: 1,
      executionId: "x",
      notes: [],
    },
  };
}

function stateOf({ failed, patch }: Outcome, prefix: string): ExecutionState {
  if (failed !== undefined) return { status: "failed", because: failed };
  if (patch === undefined) return { status: "no-change" };
  const statistics = { filesChanged: 1, additions: 1, deletions: 1 };
  return {
    status: "patch",
    tree: "c".repeat(40),
    patchKey: `${prefix}/patch`,
    changesKey: `${prefix}/changes`,
    statistics,
  };
}

function refOf(id: number, name: string) {
  return { id, nodeId: `R_${id}`, owner: "acme", name };
}
