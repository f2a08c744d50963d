import * as z from "zod";
import { globObjection } from "../glob.ts";
import { specLimits } from "../limits.ts";
import { hiddenCharacter, text, type Objection } from "./text.ts";

const glob = text(specLimits.globCharacters, globObjection).min(1);

export const workspaceRuleSchema = z
  .strictObject({
    rootAtLocationOf: text(specLimits.fileNameCharacters, fileNameObjection)
      .min(1)
      .describe("The name of a file, such as `package.json`: each directory that has it is a workspace."),
    in: glob
      .optional()
      .describe("Which repositories it is for: a glob over `owner/name`, or over the name alone. Without it, all."),
    exclude: z
      .array(glob)
      .max(specLimits.workspaceExcludes)
      .default([])
      .describe("Globs over the directories that are no workspaces, such as `**/fixtures/**`; the root is `.`."),
    onlyFetchWorkspace: z
      .boolean()
      .default(false)
      .describe("Whether steps find the directory of the workspace alone, and not the rest of the repository."),
  })
  .describe("How repositories are divided: one execution and one pull request for each workspace.");

function fileNameObjection(name: string): Objection | undefined {
  if (name.includes("/")) {
    return {
      message: "is a path",
      remedy: "write the name alone, such as package.json: it is looked for in every directory",
    };
  }
  if (/[*?]/.test(name)) return { message: "is a pattern", remedy: "write the name of one file, such as package.json" };
  if (name === "." || name === ".." || name.includes("\\") || hiddenCharacter(name) !== undefined) {
    return { message: "is no name of a file", remedy: "write one such as package.json" };
  }
  return undefined;
}
