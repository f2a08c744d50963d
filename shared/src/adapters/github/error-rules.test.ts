import { readFile, writeFile } from "node:fs/promises";
import { format } from "prettier";
import { describe, expect, test } from "vitest";
import { GitHubAnswer } from "./answer.ts";
import { errorRules, verdictOn } from "./error-rules.ts";
import { answerLike, errorTable } from "./error-table.ts";
import { errorFor } from "./errors.ts";

const place = {
  account: "acme",
  repository: "acme/api",
  writesWorkflows: false,
  settingsUrl: "https://github.test/settings",
  appsUrl: "https://github.test/settings/apps",
  now: new Date("2030-01-02T03:04:05Z"),
};
const { now } = place;

describe("the rules for GitHub's answers", () => {
  test.each(errorRules.flatMap((rule) => rule.examples.map((example) => [rule.name, example, rule] as const)))(
    "find %s in %o",
    (_, example, rule) => {
      expect(verdictOn(answerLike(example), place)).toBe(rule);
    },
  );

  test("have an example and a name of its own each", () => {
    expect(errorRules.filter(({ examples }) => examples.length === 0)).toEqual([]);
    expect(new Set(errorRules.map(({ name }) => name)).size).toBe(errorRules.length);
  });

  test("say what to do in whole sentences, and quote no secret", () => {
    for (const { because, examples } of errorRules) {
      for (const example of examples) expect(because(place, answerLike(example))).toMatch(/^[^\n]{20,}\.$/);
    }
  });

  test("are what docs/api/github-errors.md says; UPDATE=1 npm test -- error-rules.test.ts prints it again", async () => {
    const place = new URL("../../../../docs/api/github-errors.md", import.meta.url);
    const page = await format(errorTable(), { parser: "markdown" });
    if (process.env["UPDATE"] !== undefined) await writeFile(place, page);
    expect(await readFile(place, "utf8")).toBe(page);
  });
});

describe("an answer that nobody has described", () => {
  const tell = (answer: GitHubAnswer) =>
    errorFor(answer, { doing: "do it" }, { now, webUrl: "https://github.test" }).message;

  test("keeps its status, request id and the beginning of its body", () => {
    const headers = { "x-github-request-id": "AB:12" };
    expect(tell(new GitHubAnswer({ status: 418, messages: ["I am a teapot"], headers }))).toContain(
      'GitHub answered 418 "I am a teapot", request AB:12',
    );
  });

  test("shows no credential that it echoes", () => {
    const echoed = `authorization: token ghs_abcDEF123, Bearer eyJhbGciOi.eyJpc3Mi.c2ln, github_pat_11AA ${"x".repeat(3)}`;
    const message = tell(new GitHubAnswer({ status: 418, messages: [echoed] }));
    expect(message).toContain("[redacted]");
    expect(message).not.toMatch(/ghs_|eyJ|github_pat_/);
  });
});
