import { tmpdir } from "node:os";
import { straightToGit } from "../git/git-request.ts";
import type { GitTools } from "../github/git-push.ts";
import { runCommand } from "./run-command.ts";

/** The git of this machine, with its temporary directory. It goes straight to GitHub unless another way is given. */
export function gitOnThisMachine(
  { way, environment }: Pick<GitTools, "way" | "environment"> = { way: straightToGit, environment: async () => ({}) },
): GitTools {
  return { run: (command) => runCommand(command), directory: tmpdir(), way, environment };
}
