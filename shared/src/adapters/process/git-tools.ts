import { tmpdir } from "node:os";
import type { GitTools } from "../github/git-push.ts";
import { runCommand } from "./run-command.ts";

/** The git of this machine, with its temporary directory. @param environment See {@link GitTools}. */
export function gitOnThisMachine(environment: GitTools["environment"] = async () => ({})): GitTools {
  return { run: (command) => runCommand(command), directory: tmpdir(), environment };
}
