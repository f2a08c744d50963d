import { says, type GitHubAnswer } from "./answer.ts";
import { clocksOf } from "./clock-difference.ts";
import type { ErrorRule } from "./error-rule.ts";

/** Whether GitHub refuses a JWT for its times: then this machine's clock differs from GitHub's. */
export const isClockRefused = says(/\('(exp|iat)'\)/);

/** Who we are, and what we may do. */
export const accessRules: readonly ErrorRule[] = [
  // Who we are
  {
    name: "installation suspended",
    examples: [{ status: 403, says: "This installation has been suspended" }],
    when: says(/installation has been suspended/i),
    is: "suspended",
    because: (p) =>
      `the App's installation on ${p.account} is suspended. An owner can unsuspend it at ${p.settingsUrl}.`,
  },
  {
    name: "clock differs",
    examples: [
      {
        status: 401,
        says: "'Expiration time' claim ('exp') is too far in the future",
        headers: { date: "Wed, 02 Jan 2030 02:04:05 GMT" },
      },
      {
        status: 401,
        says: "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
      },
    ],
    when: isClockRefused,
    is: "bad-credentials",
    because: ({ now }, answer) =>
      clocksOf(answer, now)?.say ??
      `this machine's clock, which shows ${now.toISOString()}, differs too much from GitHub's. Set it by NTP.`,
  },
  {
    name: "no such App",
    examples: [{ status: 404, says: "Integration not found" }],
    when: says(/integration not found/i),
    is: "bad-credentials",
    because: () =>
      "this GitHub has no App with the configured id. Check OCTOBATCH_GITHUB_APP_ID and OCTOBATCH_GITHUB_API_URL.",
  },
  {
    name: "key not accepted",
    examples: [
      { status: 401, says: "A JSON web token could not be decoded" },
      { status: 401, says: "'Issuer' claim ('iss') must be an Integer" },
    ],
    when: says(/json web token|\('iss'\)|integration must generate a public key/i),
    is: "bad-credentials",
    because: (p) =>
      `GitHub does not accept the App's private key: it was revoked, or belongs to another App. Generate a new one under "Private keys" in the App's settings (${p.appsUrl}, or the developer settings of the organization that owns it), and set OCTOBATCH_GITHUB_PRIVATE_KEY to it.`,
  },
  {
    name: "token not accepted",
    examples: [{ status: 401, says: "Bad credentials" }],
    when: ({ status }) => status === 401,
    is: "bad-credentials",
    because: (p) =>
      `GitHub does not accept the App's token for ${p.account}, not even a new one. Check that the App is still installed (${p.settingsUrl}).`,
  },
  // What we may do
  {
    name: "repository archived",
    examples: [{ status: 403, says: "Repository was archived so is read-only." }],
    when: says(/archived so is read-only|repository (was|is|has been) archived/i),
    is: "archived",
    because: (p) =>
      `${p.repository} is archived. Unarchive it, or let the campaign's filters exclude archived repositories.`,
  },
  {
    name: "single sign-on required",
    examples: [{ status: 403, says: "Resource protected by organization SAML enforcement." }],
    when: (answer) => says(/SAML/)(answer) || answer.headers["x-github-sso"] !== undefined,
    is: "missing-permission",
    because: (p) => `${p.account} requires single sign-on. An owner has to authorize the App for SAML.`,
  },
  {
    name: "IP address not allowed",
    examples: [
      {
        status: 403,
        says: "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.",
      },
    ],
    when: says(/IP allow list/i),
    is: "missing-permission",
    because: (p) =>
      `${p.account} admits only listed IP addresses. An owner has to add this machine's to its IP allow list.`,
  },
  {
    name: "workflows permission missing",
    examples: [
      {
        status: 422,
        says: "refusing to allow a GitHub App to create or update workflow `.github/workflows/a.yml` without `workflows` permission",
      },
    ],
    when: (answer, place) =>
      says(/without `?workflows?`? permission/i)(answer) ||
      (place.writesWorkflows && [403, 404].includes(answer.status)),
    is: "missing-permission",
    because: (p) =>
      `the change touches .github/workflows, for which the App needs the permission "Workflows: write". Grant it in the App's settings and let an owner of ${p.account} accept it at ${p.settingsUrl}.`,
  },
  {
    name: "branch protected",
    examples: [
      { status: 409, says: "Repository rule violations found" },
      { status: 200, says: "Cannot update this protected ref.", codes: ["UNPROCESSABLE"] },
      { status: 422, says: "GH013: Repository rule violations found for refs/heads/a." },
    ],
    when: says(/rule violations|protected (branch|ref|tag)|GH006|GH013/i),
    is: "protected",
    because: (p) =>
      `a branch protection or ruleset of ${p.repository} forbids it. Exempt the App or the campaign's branches there.`,
  },
  {
    name: "branch refused or in the way",
    examples: [
      { status: 422, says: "Reference update failed" },
      {
        status: 200,
        says: "error: cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b'",
      },
    ],
    when: says(/reference update failed|exists; cannot create|refname conflict/i),
    is: "protected",
    because: (p) =>
      `a branch protection or ruleset of ${p.repository} forbids this branch, or one is in its way, as \`a\` is in the way of \`a/b\`. Exempt the App or the campaign's branches, or delete that branch.`,
  },
  {
    name: "permission not accepted yet",
    examples: [{ status: 422, says: "The permissions requested are not granted to this installation." }],
    when: says(/permissions requested are not granted/i),
    is: "missing-permission",
    because: (p) =>
      `the App's installation on ${p.account} lacks a permission that the App needs. Let an owner accept it at ${p.settingsUrl}.`,
  },
  {
    name: "repository not in the installation",
    examples: [
      { status: 422, says: "There is at least one repository that is not accessible to the parent installation." },
    ],
    when: says(/not accessible to the parent installation/i),
    is: "not-found",
    because: (p) =>
      `the App's installation on ${p.account} does not include ${p.repository}. Let an owner add it at ${p.settingsUrl}.`,
  },
  {
    name: "repository locked",
    examples: [{ status: 403, says: "Repository has been locked for migration." }],
    when: says(/locked for|repository (is|has been) locked/i),
    is: "invalid",
    because: (p) => `${p.repository} is locked while GitHub moves or migrates it. Retry it once that is over.`,
  },
  {
    name: "repository disabled",
    examples: [{ status: 403, says: "Repository access blocked" }],
    when: says(/access blocked|repository (access )?(is )?disabled/i),
    is: "invalid",
    because: (p) => `GitHub has disabled ${p.repository}. An owner sees the reason on its page.`,
  },
  {
    name: "permission missing",
    examples: [
      {
        status: 403,
        says: "Resource not accessible by integration",
        headers: { "x-accepted-github-permissions": "contents=write" },
      },
    ],
    when: says(/not accessible by integration/i),
    is: "missing-permission",
    because: (p, answer) =>
      `the App lacks ${acceptedPermissions(answer)}. Grant it in the App's settings and let an owner of ${p.account} accept it at ${p.settingsUrl}.`,
  },
];

/** Which permissions would have done, from a header such as `contents=write; contents=write,workflows=write`. */
export function acceptedPermissions(answer: GitHubAnswer): string {
  const header = answer.headers["x-accepted-github-permissions"];
  if (!header) return "a permission that this needs";
  const alternatives = String(header)
    .split(";")
    .map((all) => all.trim().replaceAll("=", ": ").replaceAll("_", " ").replaceAll(",", " and "));
  return `the permission "${alternatives.join('" or "')}"`;
}
