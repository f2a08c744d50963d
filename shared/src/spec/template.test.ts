import { describe, expect, test } from "vitest";
import { conditionNeedsExecution, renderCondition, renderRun, renderText, renderVariable } from "./template.ts";
import type { TemplateContext } from "./template/context.ts";
import { UnrenderableTemplate } from "./template/unrenderable-template.ts";

const noFiles = { modified_files: [], added_files: [], deleted_files: [], renamed_files: [] };

function aContext(changes: Partial<TemplateContext> = {}): TemplateContext {
  return {
    campaign: { name: "node-24", description: "Move to Node 24" },
    repository: { owner: "acme", name: "widgets", branch: "main" },
    workspace: { path: "packages/a" },
    steps: { ...noFiles, modified_files: ["a.ts", "b c.ts"] },
    outputs: {},
    ...changes,
  };
}

describe("a text", () => {
  test.for([
    ["plain $ {{ }} text", "plain $ {{ }} text"],
    ["${{ campaign.name }}: ${{ campaign.description }}", "node-24: Move to Node 24"],
    ["${{ repository.name }} ${{ repository.owner }} ${{ repository.short_name }}", "acme/widgets acme widgets"],
    ["${{ workspace.path }}", "packages/a"],
    ['${{ join(steps.modified_files, ", ") }}', "a.ts, b c.ts"],
    ['${{ join_if("-", "a", "", "b") }}', "a-b"],
    ['${{ replace("a.b.c", ".", "$&") }}', "a$&b$&c"],
    ['${{ join(split("a/b", "/"), "+") }}', "a+b"],
    ['${{ matches(repository.name, "ACME/w*") }}', "true"],
    ['${{ contains(steps.modified_files, "a.ts") }}', "true"],
    ["${{ trim(' a\\n') }}", "a"],
    ["${{ 1 == '1' }} ${{ true != 'true' }} ${{ !'no' && 'true' }} ${{ false || true }}", "true false true true"],
    ["${{ 'a' == 'b' || 'c' == 'c' && !false }}", "true"],
    ['${{ "${{" }} github.sha }}', "${{ github.sha }}"],
    ["${{ previous_step.stdout }}", ""],
  ])("renders %j", ([template = "", text]) => {
    expect(renderText(template, aContext())).toBe(text);
  });

  test("has outputs by their format", () => {
    const outputs = { text: "a", data: { version: "1.2", list: [1, null], no: false, deep: { er: 3 } } };
    const render = (template: string): string => renderText(template, aContext({ outputs }));
    expect(render("${{ outputs.text }} ${{ outputs.data.version }} ${{ outputs.data.deep.er }}")).toBe("a 1.2 3");
    expect(render("${{ outputs.data.list }} ${{ outputs.data.no }} ${{ outputs.data.list.0 }}")).toBe(
      "[1,null] false 1",
    );
    expect(render("${{ outputs.skipped }}${{ outputs.data.absent.field }}")).toBe("");
    expect(render("${{ outputs.constructor }}${{ outputs.data.__proto__ }}${{ outputs.data.list.length }}")).toBe("");
  });

  test("never reads a value as a template", () => {
    const outputs = { evil: "${{ campaign.name }} ${{ outputs.evil }}" };
    expect(renderText("${{ outputs.evil }}", aContext({ outputs }))).toBe(outputs.evil);
    expect(renderText("${{ replace(outputs.evil, 'x', 'y') }}", aContext({ outputs }))).toBe(outputs.evil);
  });

  test.for([
    ["${{ replace(outputs.large, 'x', 'yyyyyyyyyy') }}", "longer than 4194304"],
    [
      "${{ outputs.large }}${{ outputs.large }}${{ outputs.large }}${{ outputs.large }}${{ outputs.large }}",
      "more than 4194304 bytes",
    ],
    ["${{ matches(outputs.large, '*') }}", "up to 4096 characters"],
    ["${{ matches('a', outputs.large) }}", "the pattern of matches is longer than 200 characters"],
    ["${{ campaign.url }}", "campaign.url is not known here"],
  ])("refuses %j", ([template = "", message = ""]) => {
    const render = (): string => renderText(template, aContext({ outputs: { large: "x".repeat(1_000_000) } }));
    expect(render).toThrow(UnrenderableTemplate);
    expect(render).toThrow(message);
  });
});

describe("a script", () => {
  test("has references to variables where it had expressions", () => {
    const script = 'echo "${{ repository.name }}" ${{ join(steps.modified_files, " ") }}';
    expect(renderRun(script, aContext())).toEqual({
      script: 'echo "${OCTOBATCH_VALUE_1}" ${OCTOBATCH_VALUE_2}',
      env: { OCTOBATCH_VALUE_1: "acme/widgets", OCTOBATCH_VALUE_2: "a.ts b c.ts" },
    });
  });

  test.for([
    ["x".repeat(98_305), "a value in a script or variable has more than 98304 bytes"],
    ["é".repeat(49_153), "a value in a script or variable has more than 98304 bytes"],
    ["a\0b", "NUL character"],
  ])("refuses a value that no variable can hold", ([value = "", message]) => {
    const context = aContext({ outputs: { value } });
    expect(() => renderRun("${{ outputs.value }}", context)).toThrow(message);
    expect(() => renderVariable("${{ outputs.value }}", context)).toThrow(UnrenderableTemplate);
  });

  test("refuses values that are too large together", () => {
    const context = aContext({ outputs: { value: "x".repeat(90_000) } });
    expect(() => renderRun("${{ outputs.value }}".repeat(12), context)).toThrow(
      "the values in a script have more than 1048576",
    );
  });
});

describe("a condition", () => {
  test("holds when it renders to true and not otherwise", () => {
    const context = aContext({ outputs: { yes: "true", data: true, other: "yes" } });
    const holding = ["true", " ${{ true }} ", "${{ outputs.yes }}", "${{ outputs.data && outputs.yes }}"];
    const failing = ["false", "${{ outputs.other }}", "${{ !outputs.data }}", "${{ outputs.absent }}"];
    expect(holding.map((condition) => renderCondition(condition, context))).toEqual([true, true, true, true]);
    expect(failing.map((condition) => renderCondition(condition, context))).toEqual([false, false, false, false]);
  });

  test("is known before anything has run unless it reads what steps have done", () => {
    const early = ["true", "${{ !matches(repository.name, campaign.name) || repository.branch == 'x' }}"];
    const late = [
      "${{ outputs.x }}",
      "${{ contains(steps.added_files, 'x') }}",
      "${{ !(previous_step.stdout == 'x') }}",
    ];
    expect(early.map(conditionNeedsExecution)).toEqual([false, false]);
    expect(late.map(conditionNeedsExecution)).toEqual([true, true, true]);
  });
});
