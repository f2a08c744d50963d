import type { ValueType } from "./helpers.ts";

/** Where a template stands; it decides which variables there are. */
export type Place = "run" | "env" | "files" | "if" | "output" | "pull-request";

/** What a template can see besides the fixed variables. */
export interface Scope {
  readonly place: Place;
  /** There is a step before this one. */
  readonly hasPreviousStep: boolean;
  /** Outputs by name: those of earlier steps. `data` when their format is json or yaml. */
  readonly outputs: ReadonlyMap<string, "text" | "data">;
}

interface Variable {
  readonly type: ValueType;
  /** Says where it can be used when that is not here. */
  readonly unavailable?: (scope: Scope) => string | undefined;
}

const changes = ["modified_files", "added_files", "deleted_files", "renamed_files"] as const;

function stepVariables(root: string, unavailable: (scope: Scope) => string | undefined): readonly [string, Variable][] {
  return [
    [`${root}.stdout`, { type: "text", unavailable }],
    [`${root}.stderr`, { type: "text", unavailable }],
    ...changes.map((name): [string, Variable] => [`${root}.${name}`, { type: "list", unavailable }]),
  ];
}

/** All variables but `outputs.NAME`, by the name they have in templates. */
export const variables: ReadonlyMap<string, Variable> = new Map<string, Variable>([
  ["campaign.name", { type: "text" }],
  ["campaign.description", { type: "text" }],
  [
    "campaign.url",
    {
      type: "text",
      unavailable: ({ place }) =>
        place === "pull-request" ? undefined : "is only there in the texts of the pull request",
    },
  ],
  ["repository.name", { type: "text" }],
  ["repository.owner", { type: "text" }],
  ["repository.short_name", { type: "text" }],
  ["repository.branch", { type: "text" }],
  ["workspace.path", { type: "text" }],
  ...changes.map((name): [string, Variable] => [`steps.${name}`, { type: "list" }]),
  ...stepVariables("previous_step", ({ place, hasPreviousStep }) => {
    if (place === "pull-request") return "is only there in steps";
    return hasPreviousStep ? undefined : "is not there in the first step";
  }),
  ...stepVariables("step", ({ place }) => (place === "output" ? undefined : "is only there in the step's own outputs")),
]);
