import { GitHubAnswer } from "#shared/adapters/github/answer.ts";
import { CodeHostRefused } from "#shared/ports/code-host.ts";
import type { EmulatedGitHub } from "./emulator.ts";

/** A call of our product, or one that it rests on, that the emulator answers otherwise than GitHub. */
export interface Difference {
  readonly call: string;
  /** What `ask` finds. */
  readonly emulator: string;
  readonly github: string;
  /** Where GitHub documents the call; of a refusal it often says no more than the status. */
  readonly source: string;
  readonly ask: (github: EmulatedGitHub) => Promise<string>;
}

export const docs = "https://docs.github.com/en";

/** What a call of our product was refused with. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    if (!(error instanceof CodeHostRefused) || !(error.cause instanceof GitHubAnswer)) throw error;
    return `${error.cause.status} ${error.cause.message}`;
  }
}

/** An answer's status, and of a refusal GitHub's message. */
export async function said(answer: Response): Promise<string> {
  if (answer.ok) return String(answer.status);
  // GitHub and the emulator explain every refusal in this field.
  const { message } = (await answer.json()) as { message: string };
  return `${answer.status} ${message}`;
}
