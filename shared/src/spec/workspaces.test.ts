import { describe, expect, test } from "vitest";
import { InvalidSpec } from "./invalid-spec.ts";
import { parseSpec } from "./parse-spec.ts";
import type { WorkspaceRule } from "./spec.ts";
import { workspaceDirectories, workspaceRuleFor } from "./workspaces.ts";

const whole = `version: 1
name: node-24
on: [{ org: acme }]
steps: [{ run: "true", image: alpine:3 }]
pullRequest: { title: "Node 24 in \${{ workspace.path }}" }
`;
const divided = (...rules: readonly string[]) =>
  `${whole}workspaces:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;

function aRule(overrides: Partial<WorkspaceRule> = {}): WorkspaceRule {
  return { rootAtLocationOf: "package.json", exclude: [], onlyFetchWorkspace: false, ...overrides };
}

describe("workspaces in a spec", () => {
  test("have every default filled in", () => {
    const text = divided(
      "rootAtLocationOf: go.mod",
      "{ rootAtLocationOf: a b.txt, in: '*-x', onlyFetchWorkspace: true }",
    );
    expect(parseSpec(text).spec.workspaces).toEqual([
      aRule({ rootAtLocationOf: "go.mod" }),
      aRule({ rootAtLocationOf: "a b.txt", in: "*-x", onlyFetchWorkspace: true }),
    ]);
  });

  test("are no part of a spec without them, whose hash stays what it was before there were any", () => {
    expect(parseSpec(whole).normalized).not.toContain("workspaces");
  });

  test("decide the hash of the spec, and not that of the steps", () => {
    const [one, other] = ["go.mod", "package.json"].map((name) => parseSpec(divided(`rootAtLocationOf: ${name}`)));
    expect(one?.specHash).not.toBe(other?.specHash);
    expect(one?.stepsHash).toBe(other?.stepsHash);
  });

  test.for([
    ["{ in: acme/* }", "workspaces[0].rootAtLocationOf: is missing"],
    ["rootAtLocationOf: packages/package.json", "workspaces[0].rootAtLocationOf: is a path; write the name alone"],
    ["rootAtLocationOf: '*.json'", "workspaces[0].rootAtLocationOf: is a pattern; write the name of one file"],
    ["rootAtLocationOf: ..", "workspaces[0].rootAtLocationOf: is no name of a file"],
    ["{ rootAtLocationOf: a, in: 'acme/[a]' }", "workspaces[0].in: has"],
    ["{ rootAtLocationOf: a, exclude: ['{'] }", "workspaces[0].exclude[0]: has braces"],
    ["{ rootAtLocationOf: a, onlyFetchWorkspaces: true }", 'unknown key; did you mean "onlyFetchWorkspace"?'],
  ])("cannot be %s", ([rule = "", message = ""]) => {
    const parse = () => parseSpec(divided(rule));
    expect(parse).toThrow(InvalidSpec);
    expect(parse).toThrow(message);
  });

  test("cannot be an empty list", () => {
    expect(() => parseSpec(`${whole}workspaces: []\n`)).toThrow("workspaces: is empty");
  });
});

describe("the rule that divides a repository", () => {
  const ruleFor = (name: string, ...workspaces: readonly WorkspaceRule[]) =>
    workspaceRuleFor({ workspaces }, { owner: "Acme", name })?.rootAtLocationOf;
  const go = aRule({ rootAtLocationOf: "go.mod", in: "acme/go-*" });

  test("is the first that is for it, by its whole name or by its own", () => {
    expect(ruleFor("go-tools", go, aRule())).toBe("go.mod");
    expect(ruleFor("web", go, aRule())).toBe("package.json");
    expect(ruleFor("web", aRule({ in: "W*", rootAtLocationOf: "a" }), aRule())).toBe("a");
  });

  test("is none when none is for it, and in a spec without any", () => {
    expect(ruleFor("web", go)).toBeUndefined();
    expect(workspaceRuleFor({}, { owner: "acme", name: "web" })).toBeUndefined();
  });
});

describe("the directories of workspaces", () => {
  const files = ["b/package.json", "package.json", "a/x/package.json", "a/package.json", "fixtures/y/package.json"];
  const of = (...exclude: readonly string[]) => workspaceDirectories(aRule({ exclude }), files);

  test("are those of the files, the root with its own and one in another", () => {
    expect(of()).toEqual({ directories: ["", "a", "a/x", "b", "fixtures/y"], excluded: 0 });
  });

  test("leave out what the rule excludes, and count it", () => {
    expect(of(".", "fixtures/**")).toEqual({ directories: ["a", "a/x", "b"], excluded: 2 });
    expect(of("a")).toEqual({ directories: ["", "a/x", "b", "fixtures/y"], excluded: 1 });
    expect(of("**")).toEqual({ directories: [], excluded: 5 });
  });
});
