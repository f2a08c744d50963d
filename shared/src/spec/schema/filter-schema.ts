import * as z from "zod";
import { globObjection } from "../glob.ts";
import { specLimits } from "../limits.ts";
import { lineOfText, pathObjection, text, type Objection } from "./text.ts";

const pattern = z
  .strictObject({
    name: text(specLimits.globCharacters, globObjection)
      .min(1)
      .optional()
      .describe("A glob over `owner/name`, or over the name alone when it has no slash: `acme/api-*`, `*-service`."),
    topic: lineOfText(50).optional().describe("A topic of the repository."),
    language: lineOfText(50)
      .optional()
      .describe("The primary language, such as TypeScript; upper and lower case are the same."),
    visibility: z.enum(["public", "private", "internal"]).optional().describe("Who can see the repository."),
    archived: z
      .boolean()
      .optional()
      .describe("Whether the repository is archived. Archived ones are never changed anyway."),
    fork: z.boolean().optional().describe("Whether the repository is a fork."),
    file: text(specLimits.filePathCharacters, fileObjection)
      .min(1)
      .optional()
      .describe("The path of a file or folder that exists on the branch, such as `package.json`. Not a pattern."),
  })
  .superRefine((fields, context) => {
    // An unknown key has been told already, and is not among the fields.
    if (Object.keys(fields).length > 0 || context.issues.length > 0) return;
    context.addIssue({
      code: "custom",
      message: "says nothing, so it would match every repository",
      params: { remedy: "remove it, or give it a field such as name" },
    });
  })
  .describe("What a repository looks like; all fields that are given have to match.");

const includePattern = pattern.superRefine((fields, context) => {
  if (fields.archived !== true) return;
  context.addIssue({
    code: "custom",
    path: ["archived"],
    message: "selects nothing, since archived repositories cannot be changed",
    params: { remedy: "remove it" },
  });
});

export const filtersSchema = z
  .strictObject({
    include: z
      .array(includePattern)
      .max(specLimits.filterPatterns)
      .default([])
      .describe("A repository has to match one of these. Without any, every repository of the sources does."),
    exclude: z
      .array(pattern)
      .max(specLimits.filterPatterns)
      .default([])
      .describe("A repository that matches one of these is left out."),
  })
  .describe("Which repositories of the sources are selected.");

function fileObjection(path: string): Objection | undefined {
  if (path.startsWith("/")) return { message: "starts with a slash", remedy: "write it relative to the repository" };
  if (/[*?]/.test(path)) return { message: "is a pattern", remedy: "write the path of one file, such as package.json" };
  return pathObjection(path);
}
