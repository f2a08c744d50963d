import { Option, type Command } from "commander";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CliError } from "../cli-error.ts";
import { readSpec } from "../read-spec.ts";
import type { Perform } from "../session.ts";
import type { TryRequest } from "../try/run-try.ts";
import { repositoryArgument } from "./names.ts";

interface TryOptions extends Omit<TryRequest, "spec" | "source"> {
  readonly patch?: string;
}

export function declareTry(program: Command, perform: Perform): void {
  program
    .command("try")
    .argument("<file>", "the spec; - reads it from standard input")
    .addOption(new Option("--dir <folder>", "a git repository on this machine, at its HEAD").default("."))
    .addOption(
      new Option(
        "--repo <owner/name>",
        "a repository on GitHub instead; GITHUB_TOKEN or GH_TOKEN opens it when it is private, and OCTOBATCH_GITHUB_API_URL says which GitHub",
      )
        .argParser(repositoryArgument)
        .conflicts("dir"),
    )
    .addOption(new Option("--branch <name>", "with --repo: a branch other than the default one").conflicts("dir"))
    .option("--workspace <path>", "only this workspace of a repository that the spec divides; . is the root")
    .option(
      "--secret <name>",
      "a secret that steps may have, from the environment variable of that name; can be repeated (else OCTOBATCH_SECRETS)",
      (name: string, before: readonly string[] | undefined) => [...(before ?? []), name],
    )
    .option("--patch <file>", "write the patch to a file, too; git apply takes it")
    .addOption(
      new Option("--isolation <mode>", "none runs steps without a sandbox: only for specs that you trust")
        .choices(["auto", "none"])
        .default("auto"),
    )
    .summary("run the steps of a spec on one repository, and keep nothing")
    .description(
      "Runs the steps of a spec on one repository, in the sandbox of this machine, and shows what they print and change. " +
        "It needs no server and no GitHub App, keeps nothing and changes nothing: of a repository on this machine it takes " +
        "what is committed. Ends with exit code 6 when a step fails.",
    )
    .action(
      perform(async (session, file: string, { patch: patchFile, ...options }: TryOptions) => {
        const { io } = session;
        if (options.branch !== undefined && options.repo === undefined) {
          throw new CliError("usage", "usage", "--branch goes with --repo: of a folder, HEAD is taken.");
        }
        const request = { ...(await readSpec(file, io)), ...options };
        // Loaded when it is run: no other command pays for the sandbox.
        const { showTry } = await import("../try/show-try.ts");
        const { code, patch } = await showTry(session, request);
        if (patchFile !== undefined) await writePatch(resolve(io.cwd, patchFile), patch);
        return code;
      }),
    );
}

async function writePatch(path: string, patch: Uint8Array): Promise<void> {
  try {
    await writeFile(path, patch);
  } catch (cause) {
    throw new CliError("usage", "unwritable-file", `${path} cannot be written: ${String(cause)}.`, {
      remedy: "Give --patch a file in a folder that is there.",
      cause,
    });
  }
}
