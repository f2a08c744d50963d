import type { NewAuditEntry } from "#shared/audit/audit-entry.ts";
import type { MutationGate } from "#shared/campaign/campaign-store.ts";
import {
  CodeHostRefused,
  CodeHostUnavailable,
  PullRequestExists,
  type CodeHost,
  type FileChange,
  type PullRequest,
} from "#shared/ports/code-host.ts";
import type { Spec } from "#shared/spec/spec.ts";
import type { Changeset, Published } from "./changeset.ts";
import { decorate } from "./decorate.ts";
import type { CommitWay } from "./plan-commit.ts";
import { pushBranch } from "./push-branch.ts";

/** What is to stand on the code host. */
export interface Wanted {
  readonly changeset: Changeset;
  readonly branch: string;
  readonly published: Published | undefined;
  /** Nothing of it can be on the code host yet: no attempt before this one began. */
  readonly isFresh: boolean;
  /** The head of the branch as we left it, if we have moved it before. */
  readonly ours: string | undefined;
  readonly spec: Spec;
  readonly specVersion: number;
  readonly executionId: string;
  readonly parent: string;
  /** The tree that the commit must have. */
  readonly tree: string;
  readonly changes: readonly FileChange[];
  readonly way: CommitWay;
  readonly commitMessage: string;
  /** Author and committer date: fixed, so that the same work gives the same commit. */
  readonly commitAt: Date;
  readonly title: string;
  readonly body: string;
}

/** What a publication has made or found so far. */
export interface Made {
  readonly commit?: string;
  readonly pullRequest?: PullRequest;
}

/**
 * Writes an audit entry of the changeset, in a transaction of its own, and remembers what was made: what comes after may
 * fail, and the pull request stands all the same.
 */
export type Record = (entry: Pick<NewAuditEntry, "action" | "detail" | "dedupeKey">, made?: Made) => Promise<void>;

/** The code host, for the mutations of one changeset. */
export interface Publication {
  /**
   * Makes the commit and points the branch at it. Done already, it finds that out.
   * @throws BranchDrifted when people have committed to the branch and the policy does not say overwrite.
   */
  ensureBranch(): Promise<string>;

  /** The open pull request of the branch: the one that was found, else a new one. */
  ensurePullRequest(found: PullRequest | undefined): Promise<PullRequest>;

  /**
   * Labels, assignees and reviewers, those that are missing. What the code host will not take is answered as notes: the
   * pull request stands without it.
   */
  ensureDecorations(pullRequest: PullRequest): Promise<readonly string[]>;
}

/**
 * Every mutation begins only while the campaign is active, is found before it is made, and is written into the audit log
 * once, under a key that says what it made: so a crash anywhere is healed by doing all of it again.
 */
export function createPublication(wanted: Wanted, codeHost: CodeHost, gate: MutationGate, record: Record): Publication {
  const { changeset, spec, branch } = wanted;
  const { repository } = changeset;
  const whileActive = <Result>(mutation: () => Promise<Result>): Promise<Result> =>
    gate.whileActive(changeset.campaign, mutation);

  /**
   * Changes a pull request that was just opened or found. GitHub may not know it by its number yet, which is no refusal:
   * should it be gone with its repository, the next attempt is refused when it looks for it.
   */
  async function ofPullRequest(number: number, mutation: () => Promise<void>): Promise<void> {
    try {
      await whileActive(mutation);
    } catch (error) {
      if (!(error instanceof CodeHostRefused) || error.kind !== "not-found") throw error;
      const message = `Pull request #${number} is not known by its number yet. It is tried again. (${error.message})`;
      throw new CodeHostUnavailable(message, { cause: error });
    }
  }

  async function pullRequestText(pullRequest: PullRequest): Promise<void> {
    const { title, body, published, specVersion } = wanted;
    const isCurrent = pullRequest.title === title && pullRequest.body === body;
    // The marker in the body names the version, so a new one always changes the text: where it is there already, an
    // attempt before this one has changed it, and may not have lived to write that down.
    if (isCurrent && (published === undefined || published.specVersion === specVersion)) return;
    if (!isCurrent) {
      await ofPullRequest(pullRequest.number, () =>
        codeHost.updatePullRequest(repository, pullRequest.number, { title, body }),
      );
    }
    await record({
      action: "pull-request.updated",
      detail: { pullRequest: pullRequest.number, title },
      dedupeKey: `${changeset.id}/${pullRequest.number}/text/${wanted.specVersion}`,
    });
  }

  return {
    ensureBranch: () => pushBranch({ wanted, codeHost, whileActive, record }),

    async ensurePullRequest(found) {
      const { title, body } = wanted;
      const baseBranch = spec.pullRequest.base ?? changeset.baseBranch;
      const draft = { headBranch: branch, baseBranch, title, body, draft: spec.pullRequest.draft };
      const pullRequest = found ?? (await openOrFind(codeHost, repository, draft, whileActive));
      const detail = { pullRequest: pullRequest.number, branch, baseBranch, url: pullRequest.url };
      const dedupeKey = `${changeset.id}/${pullRequest.number}/opened`;
      await record({ action: "pull-request.opened", detail, dedupeKey }, { pullRequest });
      await pullRequestText(pullRequest);
      return pullRequest;
    },

    ensureDecorations: (pullRequest) => decorate(pullRequest, { wanted, codeHost, ofPullRequest, record }),
  };
}

/** Opens the pull request, or finds the one that an attempt before us opened without learning of it. */
async function openOrFind(
  codeHost: CodeHost,
  repository: Changeset["repository"],
  draft: Parameters<CodeHost["openPullRequest"]>[1],
  whileActive: <Result>(mutation: () => Promise<Result>) => Promise<Result>,
): Promise<PullRequest> {
  try {
    return await whileActive(() => codeHost.openPullRequest(repository, draft));
  } catch (error) {
    if (!(error instanceof PullRequestExists)) throw error;
    const found = await codeHost.findPullRequest(repository, draft.headBranch);
    if (found?.state === "open") return found;
    // GitHub's lists may lag behind what it has just refused to make a second time.
    throw new CodeHostUnavailable(`${error.message} It is not shown yet; it is looked for again.`, { cause: error });
  }
}
