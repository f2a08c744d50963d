import { spawn, type ChildProcess } from "node:child_process";
import { ScannerUnavailable, type ArtifactScanner, type ScanVerdict } from "../../ports/artifact-scanner.ts";
import { send } from "./send.ts";

/** The most of what a command says that is kept. */
const mostSaidCharacters = 1_000;

/**
 * A command of the operator's, run by `sh` once a file: the file is its standard input, and `SCAN_FILE_NAME` its name.
 * Exit code 0 is clean; 1 is infected, with the finding as the first line of its output; anything else is no verdict.
 *
 * @param options.environment What the command finds in its environment besides the name.
 * @param options.timeoutMs How long one file may take; then the command and what it started are killed.
 */
export function createCommandScanner(options: {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}): ArtifactScanner {
  return {
    scan: (body, { fileName }) => run(options, body, fileName),
    async check() {
      const verdict = await run(options, emptyBody(), "an empty file");
      if (verdict.kind === "clean") return;
      throw new ScannerUnavailable("The command of OCTOBATCH_SCAN_COMMAND takes an empty file for malware. Mend it.");
    },
  };
}

async function run(
  { command, environment, timeoutMs }: Parameters<typeof createCommandScanner>[0],
  body: AsyncIterable<Uint8Array>,
  fileName: string,
): Promise<ScanVerdict> {
  const child = spawn("sh", ["-c", command], {
    env: { ...environment, SCAN_FILE_NAME: fileName.replaceAll("\0", "?") },
    stdio: "pipe",
    // A process group of its own, so that all of it can be killed.
    detached: true,
  });
  const stdout = keepText(child.stdout);
  const stderr = keepText(child.stderr);
  // A command may end without reading all of its input.
  child.stdin.on("error", () => undefined);
  const end = Promise.withResolvers<number | string>();
  child.once("error", ({ message }) => end.resolve(message));
  child.once("close", (code, signal) => end.resolve(code ?? signal ?? "nothing"));
  let isOverdue = false;
  const timer = setTimeout(() => {
    isOverdue = true;
    kill(child);
  }, timeoutMs);
  try {
    for await (const bytes of body) {
      if (child.stdin.destroyed) break;
      await send(child.stdin, bytes);
    }
    child.stdin.end();
    const code = await end.promise;
    if (isOverdue) throw failed(`it took longer than ${timeoutMs / 1000} s`);
    if (code === 0) return { kind: "clean" };
    if (code === 1) return { kind: "infected", finding: firstLine(stdout()) || "something that it did not name" };
    throw failed(`it ended with ${code}: ${firstLine(stderr()) || "it said nothing"}`);
  } finally {
    clearTimeout(timer);
    kill(child);
  }
}

/** Kills the command and all that it started; nothing is left of it when it has ended by itself. */
function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function keepText(stream: NodeJS.ReadableStream): () => string {
  let said = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    if (said.length < mostSaidCharacters) said += text;
  });
  return () => said;
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0]?.slice(0, 200) ?? "";
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

function failed(because: string): ScannerUnavailable {
  return new ScannerUnavailable(`The command of OCTOBATCH_SCAN_COMMAND gave no verdict: ${because}.`);
}
