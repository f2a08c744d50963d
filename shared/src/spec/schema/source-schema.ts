import * as z from "zod";
import { specLimits } from "../limits.ts";
import { codeSearchObjection } from "../code-search.ts";
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
  .superRefine(({ search, org }, context) => checkOwner("search", search, org, context));

const codeSearch = z
  .strictObject({
    codeSearch: text(specLimits.searchCharacters, codeSearchObjection)
      .min(1)
      .describe("A search for files, in the words of GitHub's REST API; the repositories that have such a file."),
    org: owner
      .optional()
      .describe("Whose installation searches. Only needed when the code search itself has no `org:` or `user:`."),
  })
  .superRefine(({ codeSearch, org }, context) => checkOwner("codeSearch", codeSearch, org, context));

export const sourceSchema = z
  .union([
    z.strictObject({ org: owner.describe("All repositories of an organization or user that the App sees.") }),
    search,
    codeSearch,
    z.strictObject({
      repository,
      branch: text(specLimits.branchCharacters, branchObjection)
        .optional()
        .describe("The branch to work on; by default the repository's default branch."),
    }),
  ])
  .describe(
    "One place where repositories are looked for: an organization, a search, a code search, or a repository by name.",
  );

/** A search has to belong to one organization or user: that of the words, or that of the key beside them. */
function checkOwner(key: string, words: string, org: string | undefined, context: z.RefinementCtx): void {
  const refuse = (path: string, message: string, remedy: string): void =>
    context.addIssue({ code: "custom", path: [path], message, params: { remedy } });
  const named = new Set(searchOwners(words).map((name) => name.toLowerCase()));
  const [only] = named;
  if (named.size > 1) {
    refuse(key, "names several organizations, and each has its own installation", "write one search for each");
  } else if (only === undefined && org === undefined) {
    refuse(
      key,
      "names no organization, so it is not known which installation searches",
      "add a key org beside it, or org:NAME to the search",
    );
  } else if (only !== undefined && org !== undefined && org.toLowerCase() !== only) {
    refuse("org", `is not the ${only} that the search names`, "remove one of them");
  }
}
