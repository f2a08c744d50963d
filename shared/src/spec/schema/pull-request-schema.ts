import * as z from "zod";
import { specLimits } from "../limits.ts";
import { branchObjection, hiddenCharacter, lineOfText, text } from "./text.ts";

const login = text(100, (value) =>
  /^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\[bot\])?$/.test(value)
    ? undefined
    : { message: "is no login", remedy: "write it without @, such as octocat" },
);

const team = text(100, (value) =>
  /^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/.test(value)
    ? undefined
    : { message: "is no team", remedy: "write its slug without the organization, such as platform" },
);

const identityPart = (value: string): { message: string } | undefined =>
  /[<>]/.test(value) ? { message: "has < or >, which git does not accept here" } : undefined;

const author = z
  .strictObject({
    name: lineOfText(100, identityPart).default("Octobatch").describe("The author's name."),
    email: lineOfText(254, (value) =>
      /^[^\s@<>]+@[^\s@<>]+$/.test(value) ? undefined : { message: "is no email address" },
    )
      .default("octobatch@noreply.invalid")
      .describe("The author's email address."),
  })
  .prefault({})
  .describe("Who the commit says has made it.");

const commit = z
  .strictObject({
    message: text(specLimits.commitMessageCharacters, (message) =>
      message.trim() === "" ? { message: "is empty", remedy: "remove it, and the title is used" } : undefined,
    )
      .optional()
      .describe("The commit message, a template; by default the title."),
    author,
  })
  .prefault({})
  .describe("The commit with the change.");

export const pullRequestSchema = z
  .strictObject({
    title: lineOfText(specLimits.titleCharacters).describe("The title, a template."),
    body: text(specLimits.bodyCharacters, (body) => {
      const hidden = hiddenCharacter(body.replaceAll(/[\t\n\r]/g, " "));
      return hidden === undefined ? undefined : { message: `has the character ${hidden}`, remedy: "remove it" };
    })
      .default("")
      .describe("The text in Markdown, a template."),
    base: text(specLimits.branchCharacters, branchObjection)
      .min(1)
      .optional()
      .describe("The branch to merge into; by default the one that the repository was selected on."),
    labels: z
      .array(lineOfText(specLimits.labelCharacters))
      .max(specLimits.labels)
      .default([])
      .describe("Labels; those that do not exist are made."),
    reviewers: z
      .array(login)
      .max(specLimits.reviewers)
      .default([])
      .describe("Logins of people who are asked for a review."),
    teamReviewers: z
      .array(team)
      .max(specLimits.teamReviewers)
      .default([])
      .describe("Slugs of teams that are asked for a review."),
    assignees: z.array(login).max(specLimits.assignees).default([]).describe("Logins of people it is assigned to."),
    draft: z.boolean().default(false).describe("Whether it is opened as a draft."),
    commit,
  })
  .describe("The pull request that is opened in each repository with a change.");
