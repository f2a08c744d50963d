import type { RefusalKind } from "../../ports/code-host.ts";
import type { GitHubAnswer } from "./answer.ts";

/** What may be said about an answer: the purpose with its gaps filled. */
export interface Place {
  readonly account: string;
  readonly repository: string;
  readonly writesWorkflows: boolean;
  /** Where an owner sees what is installed on the account. */
  readonly settingsUrl: string;
  /** Where a person sees the Apps of their own; those of an organization are in its developer settings. */
  readonly appsUrl: string;
  /** What this machine's clock shows. */
  readonly now: Date;
}

export interface Verdict {
  readonly is: RefusalKind | "moved" | "exists" | "unavailable";
  /** What happened and what to do about it, in one or two sentences. */
  readonly because: (place: Place, answer: GitHubAnswer) => string;
}

/** An answer as GitHub gives it. */
export interface AnswerExample {
  readonly status: number;
  readonly says: string;
  readonly codes?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a shape of answer means. */
export interface ErrorRule extends Verdict {
  /** Its name in docs/api/github-errors.md. */
  readonly name: string;
  /** GitHub's own words: a test holds that each comes to this very rule. */
  readonly examples: readonly AnswerExample[];
  readonly when: (answer: GitHubAnswer, place: Place) => boolean;
}
