import type { IncomingMessage } from "node:http";
import { OtherProtocol, ServerRefused } from "./fetch-answer.ts";
import { GitFailed } from "./git-command.ts";
import { reasonOf } from "./git-request.ts";
import { PackTooLarge } from "./pack-file.ts";

/** What was asked for. */
export interface Fetched {
  /** The repository as people know it, such as `github.com/acme/api.git`. */
  readonly where: string;
  readonly commit: string;
}

const mostSaidBytes = 1024;

/** What went wrong while a commit was fetched, and whether it may go better another time. */
export function failureOf(error: unknown, { where, commit }: Fetched): GitFailed {
  if (error instanceof GitFailed) return error;
  if (error instanceof ServerRefused && /not our ref|unadvertised object/i.test(error.message)) {
    return new GitFailed(
      `Commit ${commit} is no longer in ${where}, probably after a force push. Preview the campaign again.`,
      false,
    );
  }
  if (error instanceof OtherProtocol) {
    const remedy =
      "github.com does, and every GitHub Enterprise Server that Octobatch works with: what stands in between?";
    return new GitFailed(`${where} does not speak git's protocol version 2: ${error.message}. ${remedy}`, false);
  }
  if (error instanceof PackTooLarge) return new GitFailed(`${where} is too large: ${error.message}.`, false);
  return new GitFailed(`Fetching ${where} failed: ${reasonOf(error)}.`, true);
}

/** What an answer says that is not the one asked for. Its words are shown as git shows them: when they are plain text. */
export async function refusalOf(answer: IncomingMessage, { where }: Fetched): Promise<GitFailed> {
  const { statusCode: status = 0, headers } = answer;
  const retryAfter = headers["retry-after"];
  if (status === 429 || (status === 403 && retryAfter !== undefined)) {
    answer.destroy();
    return new GitFailed(`${where} asks to wait ${retryAfter ?? "some"} seconds before it is read.`, true, { status });
  }
  if (status >= 300 && status < 400) {
    answer.destroy();
    return new GitFailed(`${where} has moved. Preview the campaign again.`, false, { status });
  }
  const said = status === 200 ? "not what git expects" : await wordsOf(answer);
  const told = `the server answered ${status}${said === "" ? "" : `, ${said}`}`;
  if (status !== 401 && status !== 403 && status !== 404) {
    return new GitFailed(`Fetching ${where} failed: ${told}.`, true, { status });
  }
  const remedy = "Check that the App is still installed on it with read access to contents.";
  return new GitFailed(`${where} cannot be read: ${told}. ${remedy}`, false, { status });
}

async function wordsOf(answer: IncomingMessage): Promise<string> {
  if (!/^text\/plain\b/i.test(answer.headers["content-type"] ?? "")) {
    answer.destroy();
    return "";
  }
  let said = "";
  try {
    // Without an encoding set, an answer yields buffers. Leaving early ends it.
    for await (const piece of answer as AsyncIterable<Buffer>) {
      said += piece.toString("latin1");
      if (said.length > mostSaidBytes) break;
    }
  } catch {
    // What was said until then is enough.
  }
  return said
    .slice(0, mostSaidBytes)
    .replaceAll(/[^\x21-\x7e]+/g, " ")
    .replace(/[.\s]+$/, "");
}
