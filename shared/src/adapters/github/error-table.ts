import { GitHubAnswer } from "./answer.ts";
import type { AnswerExample, ErrorRule } from "./error-rule.ts";
import { errorRules } from "./error-rules.ts";

const place = {
  account: "ACCOUNT",
  repository: "ACCOUNT/REPOSITORY",
  writesWorkflows: false,
  settingsUrl: "https://github.com/organizations/ACCOUNT/settings/installations",
  appsUrl: "https://github.com/settings/apps",
  now: new Date("2030-01-02T03:04:05Z"),
};

const meanings: Readonly<Record<ErrorRule["is"], string>> = {
  moved: "`BranchMoved`",
  exists: "`PullRequestExists`",
  unavailable: "tried again",
  "not-found": "`not-found`",
  "not-installed": "`not-installed`",
  suspended: "`suspended`",
  "bad-credentials": "`bad-credentials`",
  "missing-permission": "`missing-permission`",
  archived: "`archived`",
  protected: "`protected`",
  invalid: "`invalid`",
};

/** The page docs/api/github-errors.md. */
export function errorTable(): string {
  const rows = errorRules.map((rule) => {
    const [first] = rule.examples;
    const because = first ? rule.because(place, answerLike(first)) : "";
    return row([rule.name, rule.examples.map(quoted).join("<br>"), meanings[rule.is], because]);
  });
  return `# What GitHub refuses, and what to do

\`octobatch status\` shows the reason in the repository's row: what could not be done, why, what to do about it, and in
brackets what GitHub answered with its request id, which GitHub's support asks for.

<!-- Printed from error-rules.ts, not edited by hand: UPDATE=1 npm test -- shared/src/adapters/github/error-rules.test.ts -->

## Limits

| | GitHub says | What happens |
|---|---|---|
${limits.map(row).join("\n")}

No person has to do anything about a limit. How far the budgets are used up is in the metrics.

## Refusals

The first row that fits counts. The third column is the error's name in logs and in the API; *tried again* means that it
goes away by itself or ends as a dead task that can be retried.

| | GitHub says | Error | What the row says |
|---|---|---|---|
${rows.join("\n")}
${row(["anything else", "", "`invalid`", "GitHub does not accept the request as it is. (Its status, the beginning of its answer without credentials, and its request id follow.)"])}

More come of what GitHub does not say by itself: \`not-installed\` (the App is not installed on the account, there is no such
account, or its installation was deleted), \`suspended\` with the page where it ends, \`missing-permission\` with the name of each
permission that an installation has not granted and the page where an owner accepts it, and \`not-found\` for an organization
that does not exist.
`;
}

const limits: readonly (readonly string[])[] = [
  [
    "primary limit",
    "403 or 429 with `x-ratelimit-remaining: 0`, GraphQL 200 with `RATE_LIMITED`",
    "What needs this budget waits until `x-ratelimit-reset`; other budgets are not touched.",
  ],
  [
    "secondary limit",
    '403, 429 or GraphQL 200 with "You have exceeded a secondary rate limit", "abuse detection"; 422 "was submitted too quickly"',
    "Everybody who uses the installation waits: for `Retry-After`, else a minute, longer each time in a row.",
  ],
  [
    "our own budget",
    "nothing: it was not asked",
    "The work goes back to the due-table and goes on when there is room. A wait of up to two seconds happens at once.",
  ],
];

function quoted({ status, says, codes = [], headers }: AnswerExample): string {
  const answered = status === 0 ? "no answer" : String(status);
  const header = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  const extras = [...codes, ...header].map((each) => ` \`${each}\``).join("");
  return `${answered} "${says}"${extras}`;
}

export function answerLike({ status, says, codes = [], headers = {} }: AnswerExample): GitHubAnswer {
  return new GitHubAnswer({ status, messages: [says], codes, headers });
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`).replaceAll(/\s+/g, " ")).join(" | ")} |`;
}
