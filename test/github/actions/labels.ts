import { unprocessable, validationFailed } from "../http/refusal.ts";
import { labelShape } from "../shapes/pull-request-shape.ts";
import type { Site } from "../site.ts";
import type { Actor } from "../state/account.ts";
import { nodeId } from "../state/ids.ts";
import type { Label, PullRequest } from "../state/pull-request.ts";
import type { Repository } from "../state/repository.ts";
import { announcePullRequest } from "./pull-request-events.ts";

const longestName = 50;
const mostLabels = 100;

/** The label of a name, made when the repository has none. @throws Refusal 422 for a name that cannot be used */
export function ensureLabel(site: Site, repository: Repository, name: string): Label {
  const key = name.toLowerCase();
  const known = repository.labels.get(key);
  if (known !== undefined) return known;
  if (name.trim() === "") throw validationFailed({ resource: "Label", code: "missing_field", field: "name" });
  if (name.length > longestName) {
    const message = `name is too long (maximum is ${longestName} characters)`;
    throw validationFailed({ resource: "Label", code: "custom", field: "name", message });
  }
  const id = site.world.ids.next();
  const label = { id, nodeId: nodeId("Label", repository.id, id), name, color: "ededed", description: undefined };
  repository.labels.set(key, label);
  return label;
}

/** Adding a label that is there changes nothing. */
export async function addLabels(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  actor: Actor,
  labels: readonly Label[],
): Promise<void> {
  for (const label of labels) {
    if (pullRequest.labels.has(label.nodeId)) continue;
    if (pullRequest.labels.size >= mostLabels)
      throw unprocessable(`A pull request can have at most ${mostLabels} labels`);
    pullRequest.labels.set(label.nodeId, label);
    pullRequest.updatedAt = site.world.clock.now();
    const details = { label: labelShape(site.urls, repository, label) };
    await announcePullRequest(site, repository, pullRequest, actor, "labeled", details);
  }
}

/** Removing a label that is not there changes nothing. */
export async function removeLabels(
  site: Site,
  repository: Repository,
  pullRequest: PullRequest,
  actor: Actor,
  labels: readonly Label[],
): Promise<void> {
  for (const label of labels) {
    if (!pullRequest.labels.delete(label.nodeId)) continue;
    pullRequest.updatedAt = site.world.clock.now();
    const details = { label: labelShape(site.urls, repository, label) };
    await announcePullRequest(site, repository, pullRequest, actor, "unlabeled", details);
  }
}
