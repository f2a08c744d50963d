import * as z from "zod";
import { specLimits } from "../limits.ts";
import { filtersSchema } from "./filter-schema.ts";
import { networkSchema } from "./network-schema.ts";
import { pullRequestSchema } from "./pull-request-schema.ts";
import { sourceSchema } from "./source-schema.ts";
import { stepSchema } from "./step-schema.ts";
import { text } from "./text.ts";
import { workspaceRuleSchema } from "./workspace-schema.ts";

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
    error: "has to be 1 to 63 lower-case letters, digits, dots, - and _, starting with a letter or digit",
  })
  .superRefine((value, context) => {
    if (!/\.\.|\.lock$|\.$/.test(value)) return;
    context.addIssue({
      code: "custom",
      message: "is part of a branch name, where git takes no .. and no . or .lock at the end",
    });
  })
  .describe("The identity of the campaign. Another name is another campaign.");

const policies = z
  .strictObject({
    drift: z
      .enum(["needs-human", "overwrite", "new-pr"])
      .default("needs-human")
      .describe(
        "What becomes of a pull request whose branch people have committed to: leave it to them, overwrite their commits, or open a new one.",
      ),
    throttle: z
      .strictObject({
        pullRequestsPerDay: z
          .int()
          .min(1)
          .max(specLimits.pullRequestsPerDay)
          .optional()
          .describe(
            "How many pull requests this campaign opens a day at most; that of the organization holds as well.",
          ),
      })
      .prefault({})
      .describe("How fast the campaign goes."),
  })
  .prefault({})
  .describe("How the campaign behaves.");

/** The spec as people write it. What is not said here is checked in `check-references.ts`. */
export const specSchema = z
  .strictObject({
    version: z.literal(1).describe("The version of this format: 1."),
    name,
    description: text(specLimits.descriptionCharacters).default("").describe("What the campaign is for, in Markdown."),
    on: z
      .array(sourceSchema)
      .min(1)
      .max(specLimits.sources)
      .describe("Where repositories are looked for: the union of these."),
    filters: filtersSchema.prefault({}),
    workspaces: z
      .array(workspaceRuleSchema)
      .min(1)
      .max(specLimits.workspaceRules)
      .optional()
      .describe(
        "How repositories are divided. The first entry that is for a repository counts; without one, it is whole.",
      ),
    steps: z.array(stepSchema).min(1).max(specLimits.steps).describe("What makes the change, in order."),
    network: networkSchema.optional(),
    pullRequest: pullRequestSchema,
    policies,
  })
  .describe("An Octobatch campaign: one change over many repositories.");

export type SpecDocument = z.output<typeof specSchema>;
