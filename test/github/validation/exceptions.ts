/** Where GitHub's description does not describe GitHub. Each entry has its reason; nothing else is excused. */
export interface Exception {
  readonly operation: string;
  readonly where: "request" | "response" | "status";
  /** Matches the failing instance path, or the status. */
  readonly at: RegExp;
  readonly because: string;
}

export const exceptions: readonly Exception[] = [
  {
    operation: "*",
    where: "status",
    at: /^(?:301|304|307|400|401|403|404|409|413|415|422|429|500|502|503)$/,
    because:
      "the description lists few of the errors that every operation can answer; their bodies are checked against basic-error",
  },
  {
    operation: "pulls/request-reviewers",
    where: "response",
    at: /^\/labels\/\d+\/description$/,
    because: "GitHub answers null for a label without description; pull-request-simple only knows a string",
  },
  {
    operation: "pulls/remove-requested-reviewers",
    where: "response",
    at: /^\/labels\/\d+\/description$/,
    because: "GitHub answers null for a label without description; pull-request-simple only knows a string",
  },
  {
    operation: "pulls/list",
    where: "response",
    at: /^\/\d+\/labels\/\d+\/description$/,
    because: "GitHub answers null for a label without description; pull-request-simple only knows a string",
  },
  {
    operation: "apps/list-installations",
    where: "response",
    at: /^\/\d+\/account(?:\/|$)/,
    because: "the description wants an account to be a user and an enterprise at once; GitHub answers one or the other",
  },
  {
    operation: "apps/list-repos-accessible-to-installation",
    where: "response",
    at: /^\/repositories\/\d+\/custom_properties/,
    because: "values may be strings, lists or null, which the description leaves open",
  },
];
