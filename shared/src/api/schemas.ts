import { z } from "@hono/zod-openapi";
import { standings } from "#shared/campaign/campaign-overview.ts";
import { changeKinds } from "#shared/execution/transform-result.ts";
import { globObjection } from "#shared/spec/glob.ts";

const instant = z.iso.datetime().openapi({ description: "RFC 3339, UTC" });

export const errorBody = z
  .object({
    error: z.object({
      code: z.string().openapi({ description: "For scripts", example: "not-found" }),
      message: z.string().openapi({ description: "For people: what is wrong, and the remedy" }),
      problems: z
        .array(
          z.object({
            line: z.int(),
            column: z.int(),
            path: z.string(),
            message: z.string(),
            remedy: z.string().optional(),
          }),
        )
        .optional()
        .openapi({ description: "What is wrong with a spec, and where" }),
    }),
  })
  .openapi("Error");
export type ErrorBody = z.infer<typeof errorBody>;

export const campaignName = z
  .string()
  .max(63)
  .openapi({ param: { name: "campaign", in: "path" }, example: "node-24" });

export const campaignBody = z
  .object({
    name: z.string(),
    status: z.enum(["active", "paused", "killed"]),
    currentVersion: z.int(),
    createdAt: instant,
  })
  .openapi("Campaign");

export const applyRequest = z
  .object({
    spec: z.string().openapi({ description: "The spec as YAML text, as the person wrote it" }),
    source: z
      .string()
      .max(1000)
      .optional()
      .openapi({ description: "Where it came from, for messages", example: "campaign.yaml" }),
  })
  .openapi("ApplyRequest");

export const applyResponse = z
  .object({
    campaign: z.string(),
    specVersion: z.int(),
    specHash: z.string(),
    changed: z.boolean().openapi({ description: "False when this is the current version already" }),
  })
  .openapi("Applied");

export const selectionPageRequest = applyRequest
  .extend({
    part: z.int().min(0).openapi({ description: "0, then what `next` of the page before says" }),
    cursor: z.string().max(100_000).optional().openapi({ description: "What `next` of the page before says" }),
  })
  .openapi("SelectionPageRequest");

export const verdictBody = z
  .object({
    key: z.string().openapi({ description: "The same for the same repository on all pages: its first verdict holds" }),
    fullName: z.string(),
    selected: z.boolean(),
    because: z.string(),
    branch: z.string().optional().openapi({ description: "The one that would be worked on" }),
    dividedAt: z.string().optional().openapi({
      description: "Each directory with a file of this name is a workspace. Which there are, the preview finds",
    }),
  })
  .openapi("Verdict");

export const requestCostBody = z
  .object({
    requests: z.int().openapi({ description: "All HTTP requests, repeated and refused ones included" }),
    graphqlRequests: z.int(),
    graphqlPoints: z.int().openapi({ description: "What GitHub charged for those" }),
    searches: z.int().openapi({ description: "REST searches, which have small budgets of their own" }),
  })
  .openapi("RequestCost");

export const selectionPageBody = z
  .object({
    campaign: z.string().openapi({ description: "The name in the spec" }),
    repositories: z.array(verdictBody),
    cost: requestCostBody.openapi({ description: "What this page took at GitHub" }),
    next: z
      .object({ part: z.int(), cursor: z.string().optional() })
      .optional()
      .openapi({ description: "Where the next page begins; absent on the last" }),
  })
  .openapi("SelectionPage");

export const progressBody = z
  .object({
    seen: z.int(),
    selected: z.int(),
    pending: z.int(),
    running: z.int(),
    noChange: z.int(),
    patches: z.int(),
    failed: z.int(),
    cancelled: z.int(),
  })
  .openapi("Progress");

export const runBody = z
  .object({
    campaign: z.string(),
    number: z.int(),
    specVersion: z.int(),
    requestedBy: z.string(),
    requestedAt: instant,
    selectionComplete: z.boolean(),
    finished: z.boolean().openapi({ description: "True once every selected repository has its result" }),
    failure: z.string().optional().openapi({ description: "Why the selection was given up" }),
    progress: progressBody,
  })
  .openapi("Run");

export const previewResponse = z
  .object({ started: z.boolean().openapi({ description: "False when the run was under way already" }), run: runBody })
  .openapi("Preview");

export const publishResponse = z
  .object({
    asked: z.int().openapi({ description: "Changesets that now wait for their turn" }),
    closing: z.int().openapi({ description: "Pull requests that are now to be closed: nothing selects them any more" }),
    under_way: z.int().openapi({ description: "Changesets that were waiting or being published already" }),
    published: z.int().openapi({ description: "Changesets that have an up-to-date pull request already" }),
    left: z.int().openapi({
      description: "Changesets that are left as they are: closed, merged or changed by people, or not come across",
    }),
    unseen: z.array(z.string()).openapi({
      description:
        "Of those left, the ones with a pull request that the newest preview did not come across: owner/name, and the path of the workspace",
    }),
  })
  .openapi("Published");

export const statusBody = z
  .object({
    campaign: campaignBody,
    run: runBody.optional().openapi({ description: "The newest one" }),
    standings: z.partialRecord(z.enum(standings), z.int()).openapi({ description: "Repositories by where they stand" }),
    deadTasks: z
      .array(z.object({ type: z.string(), subject: z.string(), because: z.string() }))
      .openapi({ description: "What was given up, and why" }),
  })
  .openapi("Status");

const workspacePath = z
  .string()
  .openapi({ description: "Relative to the root of the repository", example: "packages/a" });

export const standing = z.enum(standings).openapi("Standing");

export const repositoryBody = z
  .object({
    fullName: z.string(),
    workspace: workspacePath.optional().openapi({ description: "Absent when it is about the whole repository" }),
    standing,
    because: z.string(),
    executionId: z.string().optional(),
    changesetId: z.string().optional(),
    pullRequest: z.object({ number: z.int(), url: z.string() }).optional(),
    filesChanged: z.int().optional(),
    additions: z.int().optional(),
    deletions: z.int().optional(),
  })
  .openapi("Repository");

export const repositoriesBody = z
  .object({
    repositories: z.array(repositoryBody),
    next: z.string().optional().openapi({ description: "Give it as `after` for the next page" }),
  })
  .openapi("Repositories");

export const changeKind = z.enum(changeKinds).openapi("ChangeKind");

const lineText = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\n]*$/, "a text is looked for in each line by itself: leave out the line feed");

/** What to look for in the patches of a campaign; a file is found when all of it is true. */
export const changeSearch = z.object({
  path: z
    .string()
    .superRefine((pattern, context) => {
      const objection = globObjection(pattern);
      if (objection !== undefined) {
        context.addIssue({
          code: "custom",
          message: `${JSON.stringify(pattern)} ${objection.message}; ${objection.remedy}`,
        });
      }
    })
    .optional()
    .openapi({ description: "A glob as in specs: * ** ? {a,b}, in any case. **package.json finds it in all folders" }),
  added: lineText
    .optional()
    .openapi({ description: "Stands in one added line, just so: case counts, nothing is special" }),
  removed: lineText.optional().openapi({ description: "Stands in one removed line, just so" }),
  change: changeKind.optional(),
});

export const changedRepositoryBody = z
  .object({
    fullName: z.string(),
    workspace: workspacePath.optional().openapi({ description: "Absent when it is about the whole repository" }),
    executionId: z.string(),
    found: z.int().openapi({ description: "How many files were found; `files` has the first of them" }),
    files: z.array(
      z.object({
        path: z.string().openapi({ description: "In quotes with octal escapes, as git has it, when it is no UTF-8" }),
        oldPath: z.string().optional().openapi({ description: "Where a renamed file was before" }),
        change: changeKind,
        mode: z.string(),
        oldMode: z.string(),
        additions: z.int(),
        deletions: z.int(),
        binary: z.boolean(),
        truncated: z.boolean().openapi({ description: "True when not all of its lines could be searched" }),
        added: z
          .array(z.string())
          .openapi({ description: "The first lines with the text that was looked for, if one was" }),
        removed: z.array(z.string()),
      }),
    ),
  })
  .openapi("ChangedRepository");

export const changesBody = z
  .object({
    run: z.int().optional().openapi({ description: "The newest one; absent before the first" }),
    repositories: z.array(changedRepositoryBody),
    unsearched: z
      .object({ repositories: z.int(), examples: z.array(z.string()) })
      .openapi({ description: "Those whose patches are not searched in full: they are very large, or have expired" }),
    next: z.string().optional().openapi({ description: "Give it as `after` for the next page" }),
  })
  .openapi("Changes");

export const logsBody = z
  .object({
    steps: z.array(
      z.object({
        index: z.int(),
        name: z.string().optional(),
        status: z.string(),
        exitCode: z.int().optional(),
        durationMs: z.number(),
        truncated: z.boolean(),
        log: z.string(),
      }),
    ),
    failure: z.string().optional(),
    status: z
      .enum(["pending", "running", "no-change", "patch", "failed", "cancelled"])
      .openapi({ description: "While it is pending or running, the logs are what there is so far" }),
  })
  .openapi("Logs");

export const auditEntryBody = z
  .object({
    seq: z.int(),
    at: instant,
    actor: z.string(),
    action: z.string(),
    campaign: z.string().optional(),
    repository: z.string().optional(),
    specVersion: z.int().optional(),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
    previousHash: z.string(),
    hash: z.string(),
  })
  .openapi("AuditEntry");

export const auditBody = z.object({ entries: z.array(auditEntryBody) }).openapi("Audit");

export const verificationBody = z
  .object({
    intact: z.boolean(),
    entries: z.int(),
    lastHash: z.string().optional(),
    brokenAt: z.int().optional(),
    because: z.string().optional(),
  })
  .openapi("AuditVerification");
