import { describe, expect, test } from "vitest";
import { checkTemplate } from "./check.ts";
import type { Place, Scope } from "./variables.ts";

const outputs: Scope["outputs"] = new Map([
  ["version", "text"],
  ["report", "data"],
]);

function problems(text: string, place: Place = "env", scope: Partial<Scope> = {}): readonly string[] {
  return checkTemplate(text, { place, hasPreviousStep: true, outputs, ...scope }).map(
    ({ offset, message, remedy }) => `${offset}: ${message}${remedy === undefined ? "" : `; ${remedy}`}`,
  );
}

describe("a template", () => {
  test.for([
    "nothing to replace, $ {{ }} ${x} included",
    "${{ repository.name }} ${{repository.owner}} ${{ repository.short_name }} ${{ repository.branch }}",
    '${{ join(steps.modified_files, "\\n") }} ${{ join(split(previous_step.stdout, "\\n"), ",") }}',
    '${{ join_if(", ", outputs.version, previous_step.stderr, "x") }}',
    "${{ outputs.report.deep.er.0 }} ${{ outputs.report }}",
    '${{ !(repository.name == "a/b") && (matches(repository.name, "a/*") || contains(steps.added_files, "x")) }}',
    '${{ "${{" }} github.sha }}',
    "${{ replace(trim('it''s'), \"\\\"\", '') }}".replace("''s", "\\'s"),
  ])("may say %j", (text) => {
    expect(problems(text)).toEqual([]);
  });

  test.for([
    ["${{ repository.nmae }}", '4: unknown variable repository.nmae; did you mean "repository.name"?'],
    [
      "${{ repository }}",
      "4: unknown variable repository; there is repository.name, repository.owner, repository.short_name, repository.branch",
    ],
    ["${{ campain.name }}", '4: unknown variable campain.name; did you mean "campaign.name"?'],
    ["${{ repository.__proto__ }}", "4: unknown variable repository.__proto__"],
    ["${{ constructor }}", "4: unknown variable constructor"],
    ["${{ toString(repository.name) }}", "4: unknown helper toString"],
    [
      "${{ github.sha }}",
      '4: unknown variable github.sha; to have it in the text as it is, write ${{ "${{" }} for its beginning',
    ],
    ["${{ outputs.verison }}", '4: unknown output verison of the earlier steps; did you mean "version"?'],
    ["${{ outputs.version.major }}", "4: the output version is text and has no fields"],
    ["${{ steps.modified_files }}", '4: is a list; join it: join(steps.modified_files, "\\n")'],
    ['${{ steps.modified_files == "a" }}', "4: is a list, which is not true or false"],
    ["${{ joins(steps.modified_files) }}", '4: unknown helper joins; did you mean "join"?'],
    ["${{ join(steps.modified_files) }}", "4: join is given 1 value; call it as join(list, separator)"],
    ['${{ join(repository.name, ",") }}', "9: is no list"],
    ["${{ trim(steps.added_files) }}", "9: is a list where a text is needed"],
    ['${{ matches(repository.name, "a[b]") }}', '29: has "[", which patterns do not know'],
    ['${{ join steps.modified_files "," }}', '9: "steps" is not expected here; call it as join(…, …)'],
    ["${{ campaign.url }}", "4: campaign.url is only there in the texts of the pull request"],
    ["${{ step.stdout }}", "4: step.stdout is only there in the step's own outputs"],
    ["a ${{ }}", "2: the expression is empty"],
    ["a ${{ repository.name", "21: the expression does not end; close it with }}"],
    ['${{ "abc }}', '4: the text in quotes does not end; close it with "'],
    ['${{ "\\d" }}', "5: \\d is no escape"],
    ["${{ a = b }}", '6: "=" means nothing in an expression; compare with =='],
    ["${{ repository. }}", "16: after a dot there has to be a name"],
    ["${{ (repository.name }}", "21: the expression ends too early"],
  ])("cannot say %j", ([text = "", problem]) => {
    expect(problems(text)[0]).toContain(problem);
  });

  test("has all its mistakes told", () => {
    expect(problems("${{ a }} ${{ = }} ${{ b }}")).toHaveLength(3);
  });
});

describe("a place", () => {
  test("in the first step has no previous step", () => {
    expect(problems("${{ previous_step.stdout }}", "env", { hasPreviousStep: false })).toEqual([
      "4: previous_step.stdout is not there in the first step",
    ]);
  });

  test("in an output has the step's own result", () => {
    expect(problems("${{ step.stdout }}", "output")).toEqual([]);
  });

  test("in the pull request has the campaign's address, and no step's result", () => {
    expect(problems("${{ campaign.url }} ${{ outputs.version }}", "pull-request")).toEqual([]);
    expect(problems("${{ previous_step.stdout }}", "pull-request")).toEqual([
      "4: previous_step.stdout is only there in steps",
    ]);
  });

  test("in a condition holds one whole expression", () => {
    for (const condition of ["true", "false", " ${{ repository.branch == 'main' }} "]) {
      expect(problems(condition, "if")).toEqual([]);
    }
    for (const condition of ["repository.branch == 'main'", "${{ repository.branch }} == main", ""]) {
      expect(problems(condition, "if")).toEqual([
        "0: can never be true; write the whole condition inside of one ${{ }}",
      ]);
    }
  });
});
