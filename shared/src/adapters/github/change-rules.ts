import { code, says } from "./answer.ts";
import type { ErrorRule } from "./error-rule.ts";

/** Where things stand in the repository. */
export const changeRules: readonly ErrorRule[] = [
  {
    name: "branch moved",
    examples: [
      { status: 200, says: 'Expected branch to point to "a" but it did not.', codes: ["STALE_DATA"] },
      { status: 422, says: "Reference already exists" },
      { status: 422, says: "Reference does not exist" },
      { status: 422, says: "Update is not a fast forward" },
      {
        status: 200,
        says: "error: failed to push some refs to 'https://github.com/acme/api.git'; [rejected] (stale info)",
      },
      { status: 200, says: "error: cannot lock ref 'refs/heads/campaign/1': is at 1a2b but expected 3c4d" },
    ],
    when: (answer) =>
      code("STALE_DATA")(answer) ||
      says(
        /expected (branch|ref\w*) to point|ref(erence)? (named .* )?already exists|reference does not exist|not a fast.?forward|\(stale info\)|cannot lock ref|incorrect old value/i,
      )(answer),
    is: "moved",
    because: (p) => `the branch in ${p.repository} is not where it was left: somebody else moved, made or deleted it.`,
  },
  {
    name: "pull request exists",
    examples: [{ status: 422, says: "A pull request already exists for acme:campaign/1." }],
    when: says(/pull request already exists/i),
    is: "exists",
    because: (p) => `the branch has an open pull request in ${p.repository} already.`,
  },
  {
    name: "nothing to propose",
    examples: [{ status: 422, says: "No commits between main and campaign/1", codes: ["PullRequest:custom"] }],
    when: says(/no commits between/i),
    is: "invalid",
    because: () => "its branch has no commit that the base branch lacks, so there is nothing to propose.",
  },
  {
    name: "not visible yet",
    examples: [
      { status: 422, says: "Could not resolve to a node with the global id of 'PR_1'." },
      { status: 422, says: "Validation Failed", codes: ["head:invalid"] },
    ],
    // Seen for some seconds after a branch or pull request was made.
    when: (answer) =>
      answer.status === 422 && (says(/could not resolve to a node/i)(answer) || code("head:invalid")(answer)),
    is: "unavailable",
    because: () => "GitHub does not see yet what was just made.",
  },
  {
    name: "commit gone",
    examples: [
      { status: 422, says: "Object does not exist" },
      { status: 422, says: "Tree SHA does not exist" },
    ],
    when: says(/(object|tree sha|parent sha|base_tree) does not exist/i),
    is: "not-found",
    because: (p) => `${p.repository} has no such commit or tree any more.`,
  },
  {
    name: "no such base branch",
    examples: [{ status: 422, says: "Validation Failed", codes: ["base:invalid"] }],
    when: code("base:invalid"),
    is: "invalid",
    because: (p) =>
      `${p.repository} has no such base branch. Let the campaign name one that exists, or none to use the default branch.`,
  },
  {
    name: "drafts not supported",
    examples: [{ status: 422, says: "Draft pull requests are not supported in this repository." }],
    when: says(/draft pull requests are not supported/i),
    is: "invalid",
    because: (p) =>
      `${p.repository} does not allow draft pull requests on its plan. Let the campaign open none as drafts there.`,
  },
  {
    name: "reviewer cannot review",
    examples: [
      {
        status: 422,
        says: "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the acme/api repository.",
      },
      { status: 422, says: "Review cannot be requested from pull request author." },
    ],
    when: says(/reviews? (may only|cannot) be requested|not a collaborator/i),
    is: "invalid",
    because: (p) =>
      `one of the reviewers cannot review in ${p.repository}: each needs access to it, and none may be the author. Correct the campaign's reviewers, or give them access.`,
  },
  {
    name: "repository empty",
    examples: [{ status: 409, says: "Git Repository is empty." }],
    when: says(/repository is empty/i),
    is: "not-found",
    because: (p) => `${p.repository} is empty. Push a first commit, or exclude it from the campaign.`,
  },
  {
    name: "auto-merge not allowed",
    examples: [{ status: 200, says: "Auto merge is not allowed for this repository", codes: ["UNPROCESSABLE"] }],
    when: says(/auto.?merge is not allowed/i),
    is: "invalid",
    because: (p) =>
      `${p.repository} does not allow auto-merge. Allow it in the repository's settings, or let the campaign merge without it.`,
  },
  {
    name: "nothing to wait for",
    examples: [{ status: 200, says: "Pull request is in clean status", codes: ["UNPROCESSABLE"] }],
    when: says(/is in clean status/i),
    is: "invalid",
    because: () => "the pull request can be merged at once, so there is nothing for auto-merge to wait for. Merge it.",
  },
  {
    name: "checks not green",
    examples: [{ status: 200, says: "Pull request is in unstable status", codes: ["UNPROCESSABLE"] }],
    when: says(/is in unstable status/i),
    is: "invalid",
    because: () =>
      "checks of the pull request that are not required have failed, and GitHub then takes no auto-merge. Repair them, or merge it by hand.",
  },
  {
    name: "merge queue",
    examples: [{ status: 405, says: "Changes must be made through the merge queue" }],
    when: says(/merge queue/i),
    is: "protected",
    because: (p) => `${p.repository} merges by a merge queue only. Add the pull request to the queue.`,
  },
  {
    name: "cannot be reopened",
    examples: [{ status: 422, says: "state cannot be changed. The campaign/1 branch was force-pushed or recreated." }],
    when: says(/state cannot be changed|cannot be reopened/i),
    is: "invalid",
    because: () =>
      "the pull request cannot be opened again, since its branch was pushed anew or deleted while it was closed. Let the campaign open a new one.",
  },
  {
    name: "not in the right state",
    examples: [{ status: 200, says: "Pull request is not in the correct state", codes: ["UNPROCESSABLE"] }],
    when: says(/not in the correct state|is not mergeable|is closed|already merged/i),
    is: "invalid",
    because: () =>
      "the pull request's state does not allow it any more: it is merged, closed or in conflict. Look at it on GitHub.",
  },
  {
    name: "too many results",
    examples: [{ status: 422, says: "Only the first 1000 search results are available" }],
    when: says(/only the first \d+ search results/i),
    is: "invalid",
    because: () =>
      "GitHub shows only the first 1,000 hits of a search. Narrow it, or select the organization and filter.",
  },
  {
    name: "cannot be searched",
    examples: [
      {
        status: 422,
        says: "The listed users and repositories cannot be searched either because the resources do not exist or you do not have permission to view them.",
      },
    ],
    when: says(/cannot be searched/i),
    is: "not-found",
    because: (p) =>
      `the search names an owner or a repository that the App cannot see. Check the names, and that the App is installed there (${p.settingsUrl}).`,
  },
  {
    name: "search not understood",
    examples: [{ status: 422, says: "Validation Failed", codes: ["q:invalid"] }],
    when: code("q:invalid"),
    is: "invalid",
    because: () => "GitHub does not understand the search. Try it in GitHub's own search box and correct it.",
  },
  {
    name: "too much at once",
    examples: [
      { status: 200, says: "This query requests up to 510,000 possible nodes", codes: ["MAX_NODE_LIMIT_EXCEEDED"] },
      { status: 200, says: "Resource limits for this query exceeded.", codes: ["RESOURCE_LIMITS_EXCEEDED"] },
    ],
    when: (answer) => code("MAX_NODE_LIMIT_EXCEEDED")(answer) || code("RESOURCE_LIMITS_EXCEEDED")(answer),
    is: "unavailable",
    because: () =>
      "it asks GitHub for too much at once. It is tried again with less; fewer files in the filters help too.",
  },
  {
    name: "file too large",
    examples: [
      { status: 422, says: "Sorry, your input was too large to process." },
      { status: 413, says: "Request Entity Too Large" },
      {
        status: 200,
        says: "remote: error: File big.bin is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB; [remote rejected] (pre-receive hook declined)",
      },
    ],
    when: (answer) =>
      answer.status === 413 ||
      says(/input was too large|too large to process|exceeds GitHub's file size limit/i)(answer),
    is: "invalid",
    because: () =>
      "a file of the change is larger than GitHub takes: 100 MB by a push, 40 MB over its API. Leave it out of the change.",
  },
];
