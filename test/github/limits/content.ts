/**
 * The operations that create content, of those this GitHub has. GitHub documents no list; these are the ones whose
 * description says that "creating content too quickly" with them is limited, `x-github.triggersNotification` in the
 * official OpenAPI description. Blobs, trees, commits and refs are not among them: they count as writes by points alone.
 */
const restContent: ReadonlySet<string> = new Set([
  "POST /repos/{owner}/{repo}/pulls",
  "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
  "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
  "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge",
]);

/** The mutations that do the same as those operations. */
const graphqlContent: ReadonlySet<string> = new Set([
  "createPullRequest",
  "mergePullRequest",
  "addComment",
  "requestReviews",
  "createIssue",
  "addPullRequestReview",
]);

/** @param operation method and path template, such as `POST /repos/{owner}/{repo}/pulls` */
export function createsContent(operation: string): boolean {
  return restContent.has(operation);
}

/** How much content a mutation creates: GitHub counts each field that does. */
export function contentOfFields(rootFields: readonly string[]): number {
  return rootFields.filter((field) => graphqlContent.has(field)).length;
}
