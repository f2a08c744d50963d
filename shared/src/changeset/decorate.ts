import { CodeHostRefused, type CodeHost, type PullRequest } from "#shared/ports/code-host.ts";
import type { Record, Wanted } from "./publication.ts";

/** How a pull request is changed, and what is written down of it. */
interface Decorating {
  readonly wanted: Wanted;
  readonly codeHost: CodeHost;
  readonly ofPullRequest: (number: number, mutation: () => Promise<void>) => Promise<void>;
  readonly record: Record;
}

/**
 * Adds labels, assignees and reviewers, those that are missing. What the code host will not take is answered as notes: the
 * pull request stands without it. Doing it twice finds them there.
 */
export async function decorate(
  pullRequest: PullRequest,
  { wanted, codeHost, ofPullRequest, record }: Decorating,
): Promise<readonly string[]> {
  const { changeset, spec } = wanted;
  const { repository } = changeset;
  const { number } = pullRequest;
  const { labels, assignees, reviewers, teamReviewers } = spec.pullRequest;
  const notes: string[] = [];

  /** Does what is missing, if anything is, and writes down that it was asked for. */
  async function ensure(
    what: "labels" | "assignees" | "reviewers",
    asked: readonly string[],
    missing: readonly string[],
    add: () => Promise<void>,
  ): Promise<void> {
    if (asked.length === 0) return;
    try {
      if (missing.length > 0) await ofPullRequest(number, add);
    } catch (error) {
      if (!(error instanceof CodeHostRefused) || error.kind !== "invalid") throw error;
      notes.push(`${what} were not taken: ${error.message}`);
      return;
    }
    const key = asked.toSorted().join(",");
    await record({
      action: `${what}.added`,
      detail: { pullRequest: number, [what]: asked },
      dedupeKey: `${changeset.id}/${number}/${what}/${key}`,
    });
  }

  const missingLabels = without(labels, pullRequest.labels);
  await ensure("labels", labels, missingLabels, () => codeHost.addLabels(repository, number, missingLabels));
  const missingAssignees = without(assignees, pullRequest.assignees);
  await ensure("assignees", assignees, missingAssignees, async () => {
    const ignored = without(missingAssignees, await codeHost.addAssignees(repository, number, missingAssignees));
    if (ignored.length > 0) notes.push(`assignees without push access were ignored: ${ignored.join(", ")}`);
  });
  const logins = without(reviewers, pullRequest.requestedReviewers);
  const teams = without(teamReviewers, pullRequest.requestedTeams);
  await ensure("reviewers", [...reviewers, ...teamReviewers], [...logins, ...teams], () =>
    codeHost.requestReviewers(repository, number, { logins, teams }),
  );
  return notes;
}

/** Names without regard to case, as the code host compares them. */
function without(names: readonly string[], present: readonly string[]): readonly string[] {
  const known = new Set(present.map((name) => name.toLowerCase()));
  return names.filter((name) => !known.has(name.toLowerCase()));
}
