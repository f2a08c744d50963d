import * as z from "zod";
import { specLimits } from "../limits.ts";
import { searchOwners } from "../search-owner.ts";
import { branchObjection, text } from "./text.ts";

const owner = text(39, (value) =>
  /^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$/.test(value)
    ? undefined
    : { message: "is no name of an organization or user", remedy: "write it as it is in the address, such as acme" },
).describe("The organization or user that has installed the App.");

const repository = text(140, (value) =>
  /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9])?\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/.test(value)
    ? undefined
    : { message: "is no repository", remedy: "write owner/name, such as acme/widgets" },
).describe("One repository as `owner/name`.");

const search = z
  .strictObject({
    search: text(specLimits.searchCharacters)
      .min(1)
      .describe("A repository search, as on the code host's search page."),
    org: owner
      .optional()
      .describe("Whose installation searches. Only needed when the search itself has no `org:` or `user:`."),
  })
  .superRefine((source, context) => {
    const named = new Set(searchOwners(source.search).map((name) => name.toLowerCase()));
    const [only] = named;
    if (named.size > 1) {
      context.addIssue({
        code: "custom",
        path: ["search"],
        message: "names several organizations, and each has its own installation",
        params: { remedy: "write one search for each" },
      });
    } else if (only === undefined && source.org === undefined) {
      context.addIssue({
        code: "custom",
        path: ["search"],
        message: "names no organization, so it is not known which installation searches",
        params: { remedy: "add a key org beside it, or org:NAME to the search" },
      });
    } else if (only !== undefined && source.org !== undefined && source.org.toLowerCase() !== only) {
      context.addIssue({
        code: "custom",
        path: ["org"],
        message: `is not the ${only} that the search names`,
        params: { remedy: "remove one of them" },
      });
    }
  });

export const sourceSchema = z
  .union([
    z.strictObject({ org: owner.describe("All repositories of an organization or user that the App sees.") }),
    search,
    z.strictObject({
      repository,
      branch: text(specLimits.branchCharacters, branchObjection)
        .optional()
        .describe("The branch to work on; by default the repository's default branch."),
    }),
  ])
  .describe("One place where repositories are looked for: an organization, a search, or a repository by name.");
