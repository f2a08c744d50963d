import { accessRules, acceptedPermissions } from "./access-rules.ts";
import { code, says, type GitHubAnswer } from "./answer.ts";
import { changeRules } from "./change-rules.ts";
import type { ErrorRule, Place, Verdict } from "./error-rule.ts";

/** What the status says, where the words are not known. */
const statusRules: readonly ErrorRule[] = [
  {
    name: "not found",
    examples: [
      { status: 404, says: "Not Found" },
      { status: 200, says: "Could not resolve to a Repository with the name 'acme/api'.", codes: ["NOT_FOUND"] },
    ],
    when: (answer) => [404, 410, 451].includes(answer.status) || code("NOT_FOUND")(answer),
    is: "not-found",
    because: (p) =>
      `GitHub shows no such thing to the App. Check that it exists and was not given to another owner, and that the App's installation includes ${p.repository} (${p.settingsUrl}).`,
  },
  {
    name: "forbidden",
    examples: [
      { status: 403, says: "Forbidden" },
      { status: 200, says: "Must have admin rights to Repository.", codes: ["FORBIDDEN"] },
    ],
    when: (answer) => answer.status === 403 || code("FORBIDDEN")(answer) || code("INSUFFICIENT_SCOPES")(answer),
    is: "missing-permission",
    because: (p, answer) => `GitHub forbids it: the App may lack ${acceptedPermissions(answer)} on ${p.repository}.`,
  },
  {
    name: "GitHub unavailable",
    examples: [
      { status: 502, says: "Server Error" },
      { status: 0, says: "the connection failed (ECONNRESET)" },
      { status: 200, says: "Something went wrong while executing your query." },
      { status: 504, says: "We couldn't respond to your request in time." },
    ],
    when: (answer) =>
      answer.status === 0 ||
      answer.status >= 500 ||
      [408, 409].includes(answer.status) ||
      code("SERVICE_UNAVAILABLE")(answer) ||
      says(/something went wrong|timed? ?out/i)(answer),
    is: "unavailable",
    because: (_, answer) =>
      answer.status === 0
        ? "GitHub cannot be reached; it is tried again."
        : "GitHub had a failure of its own; it is tried again.",
  },
];

/**
 * GitHub's answers by shape, first match wins. The wordings are GitHub's own, gathered from its documentation and from
 * public issues. Limits come before all of them: see `limitHit`.
 */
export const errorRules: readonly ErrorRule[] = [...accessRules, ...changeRules, ...statusRules];

/** GitHub means the request; what it says is quoted, for people to see what it is about. */
const unknownShape: Verdict = { is: "invalid", because: () => "GitHub does not accept the request as it is." };

/** The first rule that fits. */
export function verdictOn(answer: GitHubAnswer, place: Place): Verdict {
  return errorRules.find(({ when }) => when(answer, place)) ?? unknownShape;
}
