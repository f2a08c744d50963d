import { docs, said, type Difference } from "./difference.ts";
import { personToken, type EmulatedGitHub } from "./emulator.ts";
import { createBranch, proposeOn, pullRequestFrom } from "./proposal.ts";

/** What it takes and GitHub refuses, and how it answers what both take. */
export const leniency: readonly Difference[] = [
  {
    call: "a second pull request from the same branch",
    emulator: "pull request #2",
    github: "422 A pull request already exists",
    source: `${docs}/rest/pulls/pulls#create-a-pull-request`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      await proposeOn(github, repository, "campaign/1");
      await github.codeHost().openPullRequest(repository, pullRequestFrom("campaign/1"));
      return opened(github, "campaign/1");
    },
  },
  {
    call: "a pull request without commits",
    emulator: "pull request #1",
    github: "422 No commits between main and the branch",
    source: `${docs}/rest/pulls/pulls#create-a-pull-request`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      await createBranch(github, repository, { name: "empty", commit: repository.head });
      return opened(github, "empty");
    },
  },
  {
    call: "a pull request from a branch that does not exist",
    emulator: "pull request #1, and the branch is there",
    github: "422: the head is invalid",
    source: `${docs}/rest/pulls/pulls#create-a-pull-request`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      const result = await opened(github, "missing");
      const head = await github.codeHost().branchHead(repository, "missing");
      return head === undefined ? result : `${result}, and the branch is there`;
    },
  },
  {
    call: "a review asked of somebody who is no collaborator",
    emulator: "bo is asked",
    github: "422, and nobody is asked",
    source: `${docs}/rest/pulls/review-requests#request-reviewers-for-a-pull-request`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      await proposeOn(github, repository, "campaign/1");
      const codeHost = github.codeHost();
      await codeHost.openPullRequest(repository, pullRequestFrom("campaign/1"));
      await codeHost.requestReviewers(repository, 1, { logins: ["bo"], teams: [] });
      const { requestedReviewers } = await codeHost.readPullRequest(repository, 1);
      return `${requestedReviewers.join()} is asked`;
    },
  },
  {
    call: "a review asked of a collaborator",
    emulator: "200",
    github: "201",
    source: `${docs}/rest/pulls/review-requests#request-reviewers-for-a-pull-request`,
    async ask(github) {
      await proposeOn(github, await github.repository("acme/api"), "campaign/1");
      await opened(github, "campaign/1");
      const path = "/repos/acme/api/pulls/1/requested_reviewers";
      return said(await github.ask({ method: "POST", path, token: personToken, body: { reviewers: ["ana"] } }));
    },
  },
  {
    call: "81 pull requests in a minute",
    emulator: "81 opened",
    github: "80, then 403 or 429: a secondary limit",
    source: `${docs}/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits`,
    async ask(github) {
      await proposeOn(github, await github.repository("acme/api"), "campaign/1");
      const body = { title: "One of many", head: "campaign/1", base: "main" };
      const request = { method: "POST", path: "/repos/acme/api/pulls", token: personToken, body };
      const answers = await Promise.all(Array.from({ length: 81 }, () => github.ask(request)));
      return `${answers.filter(({ status }) => status === 201).length} opened`;
    },
  },
];

async function opened(github: EmulatedGitHub, branch: string): Promise<string> {
  const repository = await github.repository("acme/api");
  const { number } = await github.codeHost().openPullRequest(repository, pullRequestFrom(branch));
  return `pull request #${number}`;
}
