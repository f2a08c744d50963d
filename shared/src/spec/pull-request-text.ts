import { specLimits } from "./limits.ts";
import type { PullRequestTemplate } from "./spec.ts";
import { renderText } from "./template.ts";
import type { TemplateContext } from "./template/context.ts";
import { UnrenderableTemplate } from "./template/unrenderable-template.ts";

/** The texts of the pull request of one repository. */
export interface PullRequestText {
  /** One line, not empty. */
  readonly title: string;
  readonly body: string;
  readonly commitMessage: string;
}

/**
 * Renders title, body and commit message, and holds values that steps have put out to what the code host takes: a title
 * becomes one line, and what is too long is cut, with a mark that says so.
 * @throws UnrenderableTemplate when a title or commit message has nothing in it, or a variable is missing.
 */
export function renderPullRequest(
  template: Pick<PullRequestTemplate, "title" | "body" | "commit">,
  context: TemplateContext,
): PullRequestText {
  const title = cut(
    printable(renderText(template.title, context)).replace(/\s+/g, " ").trim(),
    specLimits.titleCharacters,
  );
  const commitMessage = cut(
    printable(renderText(template.commit.message, context)).trim(),
    specLimits.commitMessageCharacters,
  );
  if (title === "") throw new UnrenderableTemplate("the title of the pull request renders to nothing");
  if (commitMessage === "") throw new UnrenderableTemplate("the commit message renders to nothing");
  return { title, body: cut(printable(renderText(template.body, context)), specLimits.bodyCharacters), commitMessage };
}

/** Without what hides or reorders text; line breaks and tabs stay. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[^\P{Cc}\t\n\r]|[\u202A-\u202E\u2066-\u2069]/gu, "");
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1).toWellFormed()}…`;
}
