import type { Stores } from "#shared/adapters/postgres/stores.ts";
import { verifyChain } from "#shared/audit/audit-entry.ts";
import { wholeLog } from "#shared/audit/audit-log.ts";
import { publishedOf } from "#shared/changeset/changeset.ts";
import type { LocalGitHub } from "../github/local-github.ts";
import type { PullRequest } from "../github/state/pull-request.ts";

/** What a campaign has left behind, on GitHub and with us: disturbed or not, it must be the same. */
export interface Outcome {
  /** Every branch with its tree. */
  readonly branches: readonly string[];
  /** Every branch of the campaign with its commit, which also tells the date that was given to it. */
  readonly commits: readonly string[];
  readonly pullRequests: readonly Readonly<Record<string, unknown>>[];
  readonly changesets: readonly Readonly<Record<string, unknown>>[];
  /** What was done to GitHub in the campaign's name, as the audit log has it, for each repository in order. */
  readonly audited: readonly string[];
  readonly auditLog: "intact" | "broken";
  /** Tasks that were given up, and why. */
  readonly dead: readonly string[];
}

/** What is on GitHub and in our tables now. Instants and addresses are not in it. */
export async function outcomeOf(github: LocalGitHub, stores: Stores, campaign: string): Promise<Outcome> {
  const branches: string[] = [];
  const commits: string[] = [];
  for (const { owner, name, git } of github.repositories()) {
    for (const ref of await git.refs("refs/heads/")) {
      const place = `${owner.login}/${name} ${ref.name}`;
      const commit = await git.commit(ref.oid);
      branches.push(`${place} ${String(commit?.tree)}`);
      // What people merge, GitHub signs: that commit is another each time.
      if (ref.name.startsWith("refs/heads/campaign/")) commits.push(`${place} ${ref.oid}`);
    }
  }
  const { kind } = await verifyChain(wholeLog(stores.audit));
  const entries = (await Array.fromAsync(wholeLog(stores.audit))).filter(({ actor }) => actor === "octobatch");
  return {
    branches: branches.toSorted(),
    commits: commits.toSorted(),
    pullRequests: github
      .repositories()
      .flatMap(({ owner, name }) => github.pullRequests(`${owner.login}/${name}`).map((each) => shown(name, each))),
    changesets: await changesetsOf(stores, campaign),
    audited: entries
      .toSorted((left, right) => String(left.repository).localeCompare(String(right.repository)))
      .map(({ repository, specVersion, action }) => `${String(repository)} v${String(specVersion)} ${action}`),
    auditLog: kind,
    dead: (await stores.tasks.dead(campaign)).map(({ type, because }) => `${type}: ${String(because)}`),
  };
}

/** The outcome without what tells when it was made: for runs by the machine's own clock. */
export type TimelessOutcome = Omit<Outcome, "commits">;

export function timeless({ commits: _, ...outcome }: Outcome): TimelessOutcome {
  return outcome;
}

function shown(repository: string, pullRequest: PullRequest): Readonly<Record<string, unknown>> {
  const { number, title, body, state, isDraft, merged, headBranch, baseBranch } = pullRequest;
  const { labels, assignees, reviewers, teams, comments } = pullRequest;
  return {
    pullRequest: `${repository}#${number} ${headBranch} -> ${baseBranch}`,
    state: merged === undefined ? state : "merged",
    title,
    body,
    isDraft,
    labels: [...labels.values()].map(({ name }) => name).toSorted(),
    assignees: [...assignees.values()].map(({ login }) => login).toSorted(),
    reviewers: [...reviewers.values()].map(({ login }) => login).toSorted(),
    teams: [...teams.values()].map(({ slug }) => slug).toSorted(),
    comments: comments.map(({ body }) => body),
  };
}

async function changesetsOf(stores: Stores, campaign: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const changesets = await stores.changesets.ofCampaign(campaign);
  return changesets
    .map(({ repository, desired, state }) => {
      const published = publishedOf(state);
      return {
        repository: repository.name,
        status: state.status,
        because: "because" in state ? state.because : undefined,
        desired: `run ${desired.run}, version ${desired.specVersion}`,
        published: published && `#${published.pullRequest} ${published.branch}, version ${published.specVersion}`,
        notes: published?.notes,
      };
    })
    .toSorted((left, right) => left.repository.localeCompare(right.repository));
}
