import { compileGlob } from "./glob.ts";
import { matchesName } from "./match-repository.ts";
import type { Spec, WorkspaceRule } from "./spec.ts";

/** The rule that divides a repository: the first that is for it. Without one it is a single workspace, its root. */
export function workspaceRuleFor(
  { workspaces = [] }: Pick<Spec, "workspaces">,
  repository: { readonly owner: string; readonly name: string },
): WorkspaceRule | undefined {
  return workspaces.find((rule) => rule.in === undefined || matchesName(rule.in, repository));
}

/** What a rule makes of the files of its name. */
export interface WorkspaceDirectories {
  /** Relative to the root of the repository, without a slash at the end; the root is empty. In order. */
  readonly directories: readonly string[];
  /** How many more there would be, if the rule did not exclude them. */
  readonly excluded: number;
}

/** The directories of the files, but for those that the rule excludes. One may lie in another. */
export function workspaceDirectories(rule: WorkspaceRule, files: readonly string[]): WorkspaceDirectories {
  const all = files.map((file) => file.slice(0, Math.max(0, file.lastIndexOf("/"))));
  const excluding = rule.exclude.map(compileGlob);
  const directories = all.filter((directory) => !excluding.some((matches) => matches(directory || ".")));
  return { directories: directories.toSorted(), excluded: all.length - directories.length };
}
