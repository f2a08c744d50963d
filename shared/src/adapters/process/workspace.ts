import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { ChangedFiles } from "#shared/spec/template/context.ts";
import { collectChanges, stageChanges, type CollectedChanges } from "../git/collect-changes.ts";
import { createTrustedRepository, fetchBase, plainAttributes } from "../git/fetch-base.ts";
import type { Command, CommandResult, TrustedRepository } from "../git/git-command.ts";
import { layOut } from "../git/work-tree.ts";
import type { Enclosure } from "./enclosure.ts";
import { objectsInside } from "./launch-step.ts";
import { runCommand } from "./run-command.ts";
import type { StepUser } from "./step-mounts.ts";
import { TransformFailed } from "./transform-failed.ts";

/** The repository at its base commit, laid out for the steps, with a git directory they cannot reach. */
export interface Workspace {
  readonly baseTree: string;
  readonly objectsDirectory: string;
  changedFiles(): Promise<ChangedFiles>;
  collect(patchBytes: number): Promise<CollectedChanges>;
}

const fetchTimeoutMs = 600_000;

/** @throws GitFailed when the commit cannot be fetched or laid out. */
export async function openWorkspace(options: {
  readonly source: TransformJob["source"];
  readonly access: { readonly url: string; readonly token: string };
  readonly enclosure: Enclosure;
  readonly isolated: boolean;
  /** Of this execution, on the host, invisible to its steps. */
  readonly gitDirectory: string;
  readonly user: StepUser;
  readonly gitEnvironment: Readonly<Record<string, string>> | undefined;
}): Promise<Workspace> {
  const { source, enclosure, user } = options;
  const repository: TrustedRepository = {
    gitDirectory: options.gitDirectory,
    workTree: join(enclosure.volume, "workspace"),
  };
  const inside = (command: Command): Promise<CommandResult> => runCommand(command, enclosure.enter);
  const workspaceFromHere = join(enclosure.volumeFromHere, "workspace");
  await Promise.all([createTrustedRepository(repository), mkdir(workspaceFromHere)]);
  await fetchBase({
    repository,
    access: options.access,
    commit: source.commit,
    timeoutMs: fetchTimeoutMs,
    operatorEnvironment: options.gitEnvironment,
    run: (command) => runCommand(command, enclosure.enterWithNetwork),
  });
  const objectsDirectory = join(options.gitDirectory, "objects");
  await placeThrowawayGit({
    gitDirectory: join(workspaceFromHere, ".git"),
    source,
    objects: options.isolated ? objectsInside : objectsDirectory,
  });
  const { baseTree } = await layOut({
    repository,
    commit: source.commit,
    run: inside,
    ready: handOver(repository, user),
  });

  return {
    baseTree,
    objectsDirectory,
    async changedFiles() {
      const staged = await stageChanges({ repository, commit: source.commit, baseTree, run: inside });
      if (staged.kind === "nested-repository") throw nestedRepository(staged.paths);
      const changed: Record<keyof ChangedFiles, string[]> = {
        modified_files: [],
        added_files: [],
        deleted_files: [],
        renamed_files: [],
      };
      for (const { path, change } of staged.entries) {
        changed[change === "type-changed" ? "modified_files" : (`${change}_files` as const)].push(path);
      }
      return changed;
    },
    collect: (patchBytes) => collectChanges({ repository, commit: source.commit, baseTree, patchBytes, run: inside }),
  };
}

export function nestedRepository(paths: readonly string[]): TransformFailed {
  return new TransformFailed(
    "nested-repository",
    `The steps left a git repository or the files of a submodule in ${paths.join(", ")}, which a commit of this repository cannot hold. Remove it in a step (for a clone: its .git directory).`,
  );
}

/**
 * A `.git` for steps that ask git (`git ls-files`, `git mv`): its objects are the base commit's, read-only. Nothing a
 * step does to it is ever looked at again.
 */
async function placeThrowawayGit(options: {
  readonly gitDirectory: string;
  readonly source: TransformJob["source"];
  readonly objects: string;
}): Promise<void> {
  const { gitDirectory, source } = options;
  for (const name of ["objects/info", "objects/pack", "refs/heads", "info"]) {
    await mkdir(join(gitDirectory, name), { recursive: true });
  }
  const files: Record<string, string> = {
    HEAD: `ref: refs/heads/${source.branch}\n`,
    "packed-refs": `${source.commit} refs/heads/${source.branch}\n`,
    shallow: `${source.commit}\n`,
    config:
      "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[user]\n\tname = octobatch\n\temail = octobatch@localhost\n[gc]\n\tauto = 0\n",
    "info/attributes": plainAttributes,
    "objects/info/alternates": `${options.objects}\n`,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(gitDirectory, name), content);
}

/** Gives the steps' git the index, and everything to the user that the steps run as. */
function handOver(
  repository: TrustedRepository,
  user: StepUser,
): { readonly script: string; readonly parameters: readonly string[] } {
  const script = `cp -- "$1/index" "$2/.git/index"
if [ -n "$3" ]; then chmod -R a+rX "$1/objects"; chown -hR "$3:$3" "$2"; fi`;
  const owner = user.kind === "own-id" ? String(user.id) : "";
  return { script, parameters: [repository.gitDirectory, repository.workTree, owner] };
}
