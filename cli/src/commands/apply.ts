import type { Command } from "commander";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { Perform } from "../session.ts";
import { specLimits } from "#shared/spec/limits.ts";

export function declareApply(program: Command, perform: Perform): void {
  program
    .command("apply")
    .argument("<file>", "the spec; - reads it from standard input")
    .summary("store a version of a spec, making its campaign when it is new")
    .description(
      "Checks a spec and stores it as the current version of its campaign, making the campaign when it is new. " +
        "Nothing is run: preview comes next. What is wrong with a spec is printed as file:line:column.",
    )
    .action(
      perform(async ({ api, print, io }, file: string) => {
        const source = file === "-" ? "<stdin>" : file;
        const spec = await readSpec(file, io);
        const applied = await (await api()).apply(spec, source);
        const { campaign, specVersion, changed } = applied;
        const what = changed
          ? `is at spec version ${specVersion} now`
          : `is at this spec already (version ${specVersion})`;
        print(`Campaign ${campaign} ${what}. Next: octobatch preview ${campaign}\n`, applied);
        return exitCodes.ok;
      }),
    );
}

/** @throws CliError when it cannot be read, is too large or no UTF-8. */
async function readSpec(file: string, { stdin, cwd }: Io): Promise<string> {
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
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
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
