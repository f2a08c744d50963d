import { describe, expect, test } from "vitest";
import {
  BranchMoved,
  CodeHostBusy,
  CodeHostRefused,
  CodeHostUnavailable,
  PullRequestExists,
} from "../../ports/code-host.ts";
import { GitHubAnswer } from "./answer.ts";
import { errorFor, type Purpose } from "./errors.ts";

const now = new Date("2030-01-02T03:04:05Z");
const purpose: Purpose = { doing: "open a pull request in acme/api", account: "acme", repository: "acme/api" };

interface Shape {
  readonly status: number;
  readonly says: string;
  readonly codes?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

function named({ status, says, codes = [], headers = {} }: Shape, about: Partial<Purpose> = {}): Error {
  const answer = new GitHubAnswer({ status, messages: [says], codes, headers });
  return errorFor(answer, { ...purpose, ...about }, { now, webUrl: "https://github.com" });
}

function kindOf(error: Error): string {
  return error instanceof CodeHostRefused ? error.kind : error.name;
}

describe("GitHub's answers become", () => {
  test.each([
    ["suspended", { status: 403, says: "This installation has been suspended" }],
    ["bad-credentials", { status: 401, says: "A JSON web token could not be decoded" }],
    ["bad-credentials", { status: 404, says: "Integration not found" }],
    ["bad-credentials", { status: 401, says: "'Expiration time' claim ('exp') is too far in the future" }],
    ["bad-credentials", { status: 401, says: "Bad credentials" }],
    ["archived", { status: 403, says: "Repository was archived so is read-only." }],
    ["invalid", { status: 403, says: "Repository has been locked for migration." }],
    ["missing-permission", { status: 403, says: "Resource not accessible by integration" }],
    ["missing-permission", { status: 403, says: "Resource protected by organization SAML enforcement." }],
    ["missing-permission", { status: 403, says: "the `acme` organization has an IP allow list enabled" }],
    [
      "missing-permission",
      {
        status: 422,
        says: "refusing to allow a GitHub App to create or update workflow `.github/workflows/a.yml` without `workflows` permission",
      },
    ],
    [
      "protected",
      { status: 409, says: "Repository rule violations found\n\nChanges must be made through a pull request." },
    ],
    ["protected", { status: 422, says: "Reference update failed" }],
    [
      "not-found",
      { status: 422, says: "There is at least one repository that is not accessible to the parent installation." },
    ],
    ["missing-permission", { status: 422, says: "The permissions requested are not granted to this installation." }],
    ["not-found", { status: 422, says: "Object does not exist" }],
    [
      "BranchMoved",
      { status: 200, says: 'A ref named "refs/heads/a" already exists in the repository.', codes: ["UNPROCESSABLE"] },
    ],
    ["protected", { status: 200, says: "Cannot update this protected ref.", codes: ["UNPROCESSABLE"] }],
    ["invalid", { status: 422, says: "No commits between main and campaign/1" }],
    ["invalid", { status: 422, says: "Validation Failed", codes: ["base:invalid"] }],
    ["invalid", { status: 422, says: "Draft pull requests are not supported in this repository." }],
    ["invalid", { status: 422, says: "Reviews may only be requested from collaborators." }],
    ["not-found", { status: 409, says: "Git Repository is empty." }],
    ["not-found", { status: 404, says: "Not Found" }],
    ["not-found", { status: 200, says: "Could not resolve to a node with the global id of 'x'", codes: ["NOT_FOUND"] }],
    ["BranchMoved", { status: 200, says: 'Expected branch to point to "a" but it did not.', codes: ["STALE_DATA"] }],
    ["BranchMoved", { status: 422, says: "Reference already exists" }],
    ["PullRequestExists", { status: 422, says: "A pull request already exists for acme:campaign/1." }],
    ["CodeHostUnavailable", { status: 422, says: "Could not resolve to a node with the global id of 'PR_1'." }],
    ["CodeHostUnavailable", { status: 422, says: "Validation Failed", codes: ["head:invalid"] }],
    ["CodeHostUnavailable", { status: 502, says: "Server Error" }],
    ["CodeHostUnavailable", { status: 0, says: "the connection failed (ECONNRESET)" }],
    ["CodeHostUnavailable", { status: 200, says: "Something went wrong while executing your query." }],
    ["CodeHostBusy", { status: 429, says: "Too Many Requests" }],
    ["CodeHostBusy", { status: 200, says: "API rate limit exceeded", codes: ["RATE_LIMITED"] }],
    ["CodeHostBusy", { status: 403, says: "You have exceeded a secondary rate limit." }],
    ["CodeHostBusy", { status: 422, says: "was submitted too quickly" }],
  ] as const)("%s: %o", (expected, shape) => {
    expect(kindOf(named(shape))).toBe(expected);
  });

  test("the port's own classes, which callers tell apart", () => {
    expect(named({ status: 422, says: "Reference already exists" })).toBeInstanceOf(BranchMoved);
    expect(named({ status: 422, says: "A pull request already exists for a:b" })).toBeInstanceOf(PullRequestExists);
    expect(named({ status: 500, says: "" })).toBeInstanceOf(CodeHostUnavailable);
  });

  test("a remedy: which permission is missing, and where it is accepted", () => {
    const headers = { "x-accepted-github-permissions": "contents=write; contents=write,workflows=write" };
    const { message } = named({ status: 403, says: "Resource not accessible by integration", headers });
    expect(message).toContain("Could not open a pull request in acme/api: ");
    expect(message).toContain('"contents: write" or "contents: write and workflows: write"');
    expect(message).toContain("https://github.com/organizations/acme/settings/installations");
  });

  test("the missing workflows permission, also where GitHub only says that something is not there", () => {
    const error = named({ status: 404, says: "Not Found" }, { writesWorkflows: true });
    expect(kindOf(error)).toBe("missing-permission");
    expect(error.message).toContain('"Workflows: write"');
  });

  test("what GitHub said, with status and request id, when the shape is unknown", () => {
    const error = named({ status: 418, says: "I am a teapot", headers: { "x-github-request-id": "AB:12" } });
    expect(kindOf(error)).toBe("invalid");
    expect(error.message).toContain('GitHub answered 418 "I am a teapot", request AB:12');
  });
});

describe("a limit ends", () => {
  const retryAt = (headers: Readonly<Record<string, string>>) => {
    const error = named({ status: 403, says: "rate limit", headers });
    return error instanceof CodeHostBusy ? error.retryAt.toISOString() : error;
  };

  test("when Retry-After says", () => {
    expect(retryAt({ "retry-after": "30" })).toBe("2030-01-02T03:04:35.000Z");
  });

  test("when the budget is renewed, if it is spent", () => {
    const reset = String(Date.parse("2030-01-02T03:30:00Z") / 1000);
    expect(retryAt({ "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset })).toBe("2030-01-02T03:30:00.000Z");
  });

  test("after a minute, if GitHub does not say", () => {
    expect(retryAt({ "x-ratelimit-remaining": "4000" })).toBe("2030-01-02T03:05:05.000Z");
  });
});
