import type { NewAuditEntry } from "#shared/audit/audit-entry.ts";
import type { NewSpecVersion } from "#shared/campaign/campaign-store.ts";
import type { Campaign } from "#shared/campaign/campaign.ts";
import { changesetIdFor, type Changeset, type Published } from "#shared/changeset/changeset.ts";
import type { Execution, ExecutionState } from "#shared/execution/execution.ts";
import { wholeRepository } from "#shared/execution/workspace.ts";
import { hashOf } from "#shared/hash.ts";
import type { RepositoryRef, RepositorySnapshot } from "#shared/ports/code-host.ts";
import { parseSpec, type ParsedSpec } from "#shared/spec/parse-spec.ts";
import type { Spec } from "#shared/spec/spec.ts";
import type { NewTask } from "#shared/task/task.ts";

/** The instant at which tests begin: noon, far from the ends of a day. */
export const noon = instant("2026-03-10T12:00:00Z");

export function instant(text: string): Date {
  return new Date(text);
}

export function later(ms: number, from: Date = noon): Date {
  return new Date(from.getTime() + ms);
}

export function aRepository(overrides: Partial<RepositoryRef> = {}): RepositoryRef {
  const id = overrides.id ?? 1;
  return { id, nodeId: `R_${id}`, owner: "acme", name: id === 1 ? "api" : `repo-${id}`, ...overrides };
}

/** A repository as a page of the selection shows it. */
export function aSnapshot(overrides: Partial<RepositorySnapshot> = {}): RepositorySnapshot {
  return {
    ...aRepository(overrides),
    branch: { name: "main", commit: "a".repeat(40) },
    isArchived: false,
    isDisabled: false,
    isFork: false,
    visibility: "private",
    topics: [],
    presentFiles: [],
    ...overrides,
  };
}

export function aCampaign(overrides: Partial<Campaign> = {}): Campaign {
  return { name: "tidy", state: { status: "active" }, currentVersion: 1, createdAt: noon, version: 1, ...overrides };
}

const specText = `
version: 1
name: tidy
on: [{ org: acme }]
steps: [{ image: "node:24", run: "echo hello" }]
pullRequest: { title: Tidy up, body: Hello }
`;

const parsed = parseSpec(specText);

/** A real spec, with some of its parts replaced. */
export function aSpec(
  overrides: Partial<Omit<Spec, "pullRequest" | "policies">> & {
    readonly pullRequest?: Partial<Spec["pullRequest"]>;
    readonly drift?: Spec["policies"]["drift"];
    readonly pullRequestsPerDay?: number;
  } = {},
): Spec {
  const { pullRequest, drift, pullRequestsPerDay, ...rest } = overrides;
  const { spec } = parsed;
  const throttle = pullRequestsPerDay === undefined ? spec.policies.throttle : { pullRequestsPerDay };
  return {
    ...spec,
    ...rest,
    pullRequest: { ...spec.pullRequest, ...pullRequest },
    policies: { ...spec.policies, throttle, drift: drift ?? spec.policies.drift },
  };
}

/** A spec version to be applied; another `specHash` makes it another one. */
export function aSpecVersion(overrides: Partial<NewSpecVersion> = {}): NewSpecVersion {
  const { spec, normalized, specHash, stepsHash }: ParsedSpec = parsed;
  const made = { raw: specText, spec, normalized, specHash, stepsHash, appliedBy: "ana", appliedAt: noon };
  return { campaign: "tidy", ...made, ...overrides };
}

export function anExecution(overrides: Partial<Execution> = {}): Execution {
  return {
    id: "x-1",
    campaign: "tidy",
    specVersion: 1,
    repository: aRepository(),
    branch: "main",
    baseCommit: "a".repeat(40),
    workspace: wholeRepository,
    attempt: 1,
    state: { status: "pending" },
    version: 1,
    ...overrides,
  };
}

export const aPatch: Extract<ExecutionState, { status: "patch" }> = {
  status: "patch",
  tree: "d".repeat(40),
  patchKey: "patch",
  changesKey: "changes",
  statistics: { filesChanged: 2, additions: 5, deletions: 1 },
};

export function aPublished(overrides: Partial<Published> = {}): Published {
  return {
    pullRequest: 7,
    url: "https://github.test/acme/api/pull/7",
    branch: "campaign/tidy/1/acme-api",
    headCommit: "b".repeat(40),
    specVersion: 1,
    executionId: "x-1",
    notes: [],
    ...overrides,
  };
}

/** A changeset of `tidy` in `acme/api` that wants the patch of execution `x-1`, found by run 1. */
export function aChangeset(overrides: Partial<Changeset> = {}): Changeset {
  const { campaign = "tidy", repository = aRepository(), workspace = "" } = overrides;
  return {
    id: changesetIdFor(campaign, repository.id, workspace),
    campaign,
    repository,
    workspace,
    baseBranch: "main",
    desired: { run: 1, specVersion: 1, executionId: "x-1" },
    state: { status: "unpublished" },
    version: 1,
    ...overrides,
  };
}

/** A task named by `key`: the same key is the same task. */
export function aTask(key: string, overrides: Partial<NewTask> = {}): NewTask {
  const hash = hashOf(key);
  return {
    id: `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`,
    type: "work",
    dedupeKey: hash,
    organization: "acme",
    subject: key,
    data: { key },
    notBefore: noon,
    ...overrides,
  };
}

/** An audit entry under this dedupe key. */
export function anEntry(dedupeKey: string, overrides: Partial<NewAuditEntry> = {}): NewAuditEntry {
  return { at: noon, actor: "ana", action: "campaign.applied", detail: {}, dedupeKey, ...overrides };
}
