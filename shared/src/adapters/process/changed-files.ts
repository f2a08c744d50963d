import type { SandboxStep } from "#shared/ports/sandbox.ts";
import type { ChangedFiles } from "#shared/spec/template/context.ts";

export const noChangedFiles: ChangedFiles = {
  modified_files: [],
  added_files: [],
  deleted_files: [],
  renamed_files: [],
};

/** Listing the changed files costs time, so it is only done for a step whose templates may speak of them. */
export function readsChangedFiles(step: SandboxStep): boolean {
  const templates = [
    step.run,
    step.if ?? "",
    ...Object.values(step.env).filter((value) => typeof value === "string"),
    ...Object.values(step.files),
    ...Object.values(step.outputs).map(({ value }) => value),
  ];
  return templates.some((template) => template.includes("${{") && template.includes("_files"));
}
