import type { RefusalKind } from "../../ports/code-host.ts";
import type { GitHubAnswer } from "./answer.ts";

/** What may be said about an answer: the purpose with its gaps filled. */
interface Place {
  readonly account: string;
  readonly repository: string;
  readonly writesWorkflows: boolean;
  readonly settingsUrl: string;
}

interface Verdict {
  readonly is: RefusalKind | "moved" | "exists" | "unavailable";
  /** What happened and what to do about it, in one or two sentences. */
  readonly because: (place: Place, answer: GitHubAnswer) => string;
}

type Rule = Verdict & { readonly when: (answer: GitHubAnswer, place: Place) => boolean };

export const says = (pattern: RegExp) => (answer: GitHubAnswer) =>
  answer.messages.some((message) => pattern.test(message));
export const code = (name: string) => (answer: GitHubAnswer) => answer.codes.includes(name);
const status =
  (...statuses: number[]) =>
  (answer: GitHubAnswer) =>
    statuses.includes(answer.status);

/**
 * GitHub's answers by shape, first match wins. The wordings are GitHub's own, gathered from its documentation and from
 * public issues.
 */
const rules: readonly Rule[] = [
  // Who we are
  {
    when: says(/installation has been suspended/i),
    is: "suspended",
    because: (p) =>
      `the App's installation on ${p.account} is suspended. An owner can unsuspend it at ${p.settingsUrl}.`,
  },
  {
    when: says(/\('(exp|iat)'\)/),
    is: "bad-credentials",
    because: () => "this machine's clock differs too much from GitHub's. Set it by NTP.",
  },
  {
    when: says(/integration not found/i),
    is: "bad-credentials",
    because: () => "this GitHub has no App with the configured id. Check the App id and the API URL.",
  },
  {
    when: says(/json web token|\('iss'\)|integration must generate a public key/i),
    is: "bad-credentials",
    because: () =>
      "GitHub does not accept the App's private key. Check that it belongs to the App id, or generate a new one in the App's settings.",
  },
  {
    when: status(401),
    is: "bad-credentials",
    because: (p) =>
      `GitHub does not accept the App's token for ${p.account}, not even a new one. Check that the App is still installed (${p.settingsUrl}).`,
  },
  // What we may do
  {
    when: says(/archived so is read-only|repository (was|is|has been) archived/i),
    is: "archived",
    because: (p) =>
      `${p.repository} is archived. Unarchive it, or let the campaign's filters exclude archived repositories.`,
  },
  {
    when: (answer) => says(/SAML/)(answer) || answer.headers["x-github-sso"] !== undefined,
    is: "missing-permission",
    because: (p) => `${p.account} requires single sign-on. An owner has to authorize the App for SAML.`,
  },
  {
    when: says(/IP allow list/i),
    is: "missing-permission",
    because: (p) =>
      `${p.account} admits only listed IP addresses. An owner has to add this machine's to its IP allow list.`,
  },
  {
    when: (answer, place) =>
      says(/without `?workflows?`? permission/i)(answer) ||
      (place.writesWorkflows && [403, 404].includes(answer.status)),
    is: "missing-permission",
    because: (p) =>
      `the change touches .github/workflows, for which the App needs the permission "Workflows: write". Grant it in the App's settings and let an owner of ${p.account} accept it at ${p.settingsUrl}.`,
  },
  {
    when: says(/rule violations|protected (branch|ref|tag)|GH006|GH013/i),
    is: "protected",
    because: (p) =>
      `a branch protection or ruleset of ${p.repository} forbids it. Exempt the App or the campaign's branches there.`,
  },
  {
    when: says(/reference update failed/i),
    is: "protected",
    because: (p) =>
      `a branch protection or ruleset of ${p.repository} forbids this branch, or one is in its way, as \`a\` is in the way of \`a/b\`. Exempt the App or the campaign's branches, or delete that branch.`,
  },
  {
    when: says(/permissions requested are not granted/i),
    is: "missing-permission",
    because: (p) =>
      `the App's installation on ${p.account} lacks a permission that the App needs. Let an owner accept it at ${p.settingsUrl}.`,
  },
  {
    when: says(/not accessible to the parent installation/i),
    is: "not-found",
    because: (p) =>
      `the App's installation on ${p.account} does not include ${p.repository}. Let an owner add it at ${p.settingsUrl}.`,
  },
  {
    when: says(/locked for|repository (is|has been) locked/i),
    is: "invalid",
    because: (p) => `${p.repository} is locked while GitHub moves or migrates it. Retry it once that is over.`,
  },
  {
    when: says(/access blocked|repository (access )?(is )?disabled/i),
    is: "invalid",
    because: (p) => `GitHub has disabled ${p.repository}. An owner sees the reason on its page.`,
  },
  {
    when: says(/not accessible by integration/i),
    is: "missing-permission",
    because: (p, answer) =>
      `the App lacks ${acceptedPermissions(answer)}. Grant it in the App's settings and let an owner of ${p.account} accept it at ${p.settingsUrl}.`,
  },
  // Where things stand
  {
    when: (answer) =>
      code("STALE_DATA")(answer) ||
      says(
        /expected (branch|ref\w*) to point|ref(erence)? (named .* )?already exists|reference does not exist|not a fast.?forward/i,
      )(answer),
    is: "moved",
    because: (p) => `the branch in ${p.repository} is not where it was left: somebody else moved, made or deleted it.`,
  },
  {
    when: says(/pull request already exists/i),
    is: "exists",
    because: (p) => `the branch has an open pull request in ${p.repository} already.`,
  },
  {
    when: says(/no commits between/i),
    is: "invalid",
    because: () => "its branch has no commit that the base branch lacks, so there is nothing to propose.",
  },
  {
    // Seen for some seconds after a branch or pull request was made.
    when: (answer) =>
      answer.status === 422 && (says(/could not resolve to a node/i)(answer) || code("head:invalid")(answer)),
    is: "unavailable",
    because: () => "GitHub does not see yet what was just made.",
  },
  {
    when: says(/(object|tree sha|parent sha|base_tree) does not exist/i),
    is: "not-found",
    because: (p) => `${p.repository} has no such commit or tree any more.`,
  },
  {
    when: code("base:invalid"),
    is: "invalid",
    because: (p) =>
      `${p.repository} has no such base branch. Let the campaign name one that exists, or none to use the default branch.`,
  },
  {
    when: says(/draft pull requests are not supported/i),
    is: "invalid",
    because: (p) =>
      `${p.repository} does not allow draft pull requests on its plan. Let the campaign open none as drafts there.`,
  },
  {
    when: says(/reviews? (may only|cannot) be requested|not a collaborator/i),
    is: "invalid",
    because: (p) =>
      `one of the reviewers cannot review in ${p.repository}: each needs access to it, and none may be the author. Correct the campaign's reviewers, or give them access.`,
  },
  {
    when: says(/repository is empty/i),
    is: "not-found",
    because: (p) => `${p.repository} is empty. Push a first commit, or exclude it from the campaign.`,
  },
  // By status alone
  {
    when: (answer) => status(404, 410, 451)(answer) || code("NOT_FOUND")(answer),
    is: "not-found",
    because: (p) =>
      `GitHub shows no such thing to the App. Check that it exists, and that the App's installation includes ${p.repository} (${p.settingsUrl}).`,
  },
  {
    when: (answer) => answer.status === 403 || code("FORBIDDEN")(answer) || code("INSUFFICIENT_SCOPES")(answer),
    is: "missing-permission",
    because: (p, answer) => `GitHub forbids it: the App may lack ${acceptedPermissions(answer)} on ${p.repository}.`,
  },
  {
    when: (answer) =>
      answer.status === 0 ||
      answer.status >= 500 ||
      status(408, 409)(answer) ||
      code("SERVICE_UNAVAILABLE")(answer) ||
      says(/something went wrong|timed? ?out/i)(answer),
    is: "unavailable",
    because: (_, answer) =>
      answer.status === 0
        ? "GitHub cannot be reached; it is tried again."
        : "GitHub had a failure of its own; it is tried again.",
  },
];

/** GitHub means the request; what it says is quoted, for people to see what it is about. */
const unknownShape: Verdict = { is: "invalid", because: () => "GitHub does not accept the request as it is." };

/** The first rule that fits. */
export function verdictOn(answer: GitHubAnswer, place: Place): Verdict {
  return rules.find(({ when }) => when(answer, place)) ?? unknownShape;
}

/** Which permissions would have done, from a header such as `contents=write; contents=write,workflows=write`. */
function acceptedPermissions(answer: GitHubAnswer): string {
  const header = answer.headers["x-accepted-github-permissions"];
  if (!header) return "a permission that this needs";
  const alternatives = String(header)
    .split(";")
    .map((all) => all.trim().replaceAll("=", ": ").replaceAll("_", " ").replaceAll(",", " and "));
  return `the permission "${alternatives.join('" or "')}"`;
}
