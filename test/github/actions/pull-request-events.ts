import { pullRequestShape } from "../shapes/pull-request-shape.ts";
import type { Site } from "../site.ts";
import type { Actor } from "../state/account.ts";
import type { PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";

export type PullRequestAction =
  | "opened"
  | "closed"
  | "reopened"
  | "synchronize"
  | "edited"
  | "labeled"
  | "unlabeled"
  | "assigned"
  | "unassigned"
  | "review_requested"
  | "review_request_removed"
  | "converted_to_draft"
  | "ready_for_review";

/** Sends the `pull_request` event. `details` are what the action adds: the label, the assignee, what changed. */
export async function announcePullRequest(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  sender: Actor,
  action: PullRequestAction,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await site.webhooks.emit({
    event: "pull_request",
    action,
    needs: "pull_requests",
    repository,
    sender,
    payload: async () => ({
      number: pullRequest.number,
      pull_request: await pullRequestShape(site, repository, pullRequest, "unknown"),
      ...details,
    }),
  });
}
