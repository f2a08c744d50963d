import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { specLimits } from "#shared/spec/limits.ts";
import { CliError } from "./cli-error.ts";
import type { Io } from "./io.ts";

/** The text of a spec, and how messages name it. */
interface SpecFile {
  readonly spec: string;
  readonly source: string;
}

/**
 * Reads a spec from a file, or from standard input for `-`.
 * @throws CliError when it cannot be read, is too large or no UTF-8.
 */
export async function readSpec(file: string, { stdin, cwd }: Pick<Io, "stdin" | "cwd">): Promise<SpecFile> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of file === "-" ? stdin : openFile(resolve(cwd, file))) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > specLimits.specBytes) throw tooLarge(file);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw unreadable(file, error);
  }
  try {
    const spec = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
    return { spec, source: file === "-" ? "<stdin>" : file };
  } catch (cause) {
    throw new CliError("usage", "unreadable-file", `${file} is no UTF-8 text.`, {
      remedy: "Save it as UTF-8.",
      cause,
    });
  }
}

function openFile(path: string): AsyncIterable<Uint8Array> {
  // Without an encoding its chunks are bytes, which its type does not know.
  return createReadStream(path) as AsyncIterable<Uint8Array>;
}

function tooLarge(file: string): CliError {
  return new CliError(
    "usage",
    "too-large",
    `${file} is larger than ${specLimits.specBytes} bytes, the most a spec may have.`,
    {
      remedy: "Split it into campaigns, or select by organization or search instead of naming repositories.",
    },
  );
}

function unreadable(file: string, cause: unknown): CliError {
  const why = {
    ENOENT: "there is no such file",
    EISDIR: "it is a folder",
    EACCES: "you may not read it",
    // Streams of fs reject with system errors only.
  }[(cause as NodeJS.ErrnoException).code ?? ""];
  const message = `${file} cannot be read: ${why ?? String(cause)}.`;
  return new CliError("usage", "unreadable-file", message, {
    remedy: "Give the path of a spec, or - for standard input.",
    cause,
  });
}
