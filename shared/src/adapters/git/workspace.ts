import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { ChangedFiles } from "#shared/spec/template/context.ts";
import { TransformFailed } from "#shared/transform/transform-failed.ts";
import { collectChanges, stageChanges, type CollectedChanges } from "./collect-changes.ts";
import { GitFailed, type RunCommand, type TrustedRepository } from "./git-command.ts";
import { isBelow } from "./git-path.ts";
import { createTrustedRepository, plainAttributes } from "./trusted-repository.ts";
import { laidOutIndex, layOut, treeOfWorkspace, wholeTree } from "./work-tree.ts";

/** The repository at its base commit, laid out for the steps, with a git directory they cannot reach. */
export interface Workspace {
  /** What all steps so far have changed. @throws TransformFailed for a work tree that no commit could hold. */
  changedFiles(): Promise<ChangedFiles>;
  /** @throws TransformFailed as `changedFiles` does. */
  collect(patchBytes: number): Promise<Exclude<CollectedChanges, { kind: "nested-repository" }>>;
}

/** How the base is laid out. */
export interface LayOut {
  /** A repository with every object of the base commit, outside of what steps can see, as `run` sees it. */
  readonly gitDirectory: string;
  /** The same as this process sees it. */
  readonly gitDirectoryFromHere: string;
  /** What the steps see of the base, see {@link treeToShow}. */
  readonly shownTree: string;
  /** The work tree as `run` sees it, and as this process does; an empty directory. */
  readonly workTree: string;
  readonly workTreeFromHere: string;
  /** Where the steps' own `.git` finds the objects of the base commit. */
  readonly objectsForSteps: string;
  readonly source: TransformJob["source"];
  readonly workspace: TransformJob["workspace"];
  readonly run: RunCommand;
}

/** @throws TransformFailed when the commit cannot be laid out. */
export async function openWorkspace(options: LayOut): Promise<Workspace> {
  const { gitDirectory, source, workspace, shownTree: tree, run } = options;
  const repository: TrustedRepository = { gitDirectory, workTree: options.workTree };
  await judged(() => layOut({ repository, tree, run }));
  placeThrowawayGit(options, tree);
  const { workTreeFromHere: fromHere, gitDirectoryFromHere } = options;
  const base = { repository, base: tree, baseTree: tree, fromHere, gitDirectoryFromHere, run };

  return {
    async changedFiles() {
      const staged = await judged(() => stageChanges(base));
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
    async collect(patchBytes) {
      const collected = await judged(() => collectChanges(base, patchBytes));
      if (collected.kind === "nested-repository") throw nestedRepository(collected.paths);
      if (collected.kind !== "patch" || !workspace.onlyFetch || workspace.path === "") return collected;
      const outside = collected.changes.find(({ path }) => !isBelow(path, workspace.path));
      if (outside !== undefined) throw outsideWorkspace(workspace.path, outside.path);
      const { commit } = source;
      const whole = await judged(() =>
        wholeTree({ repository, commit, path: workspace.path, tree: collected.tree, run }),
      );
      return { ...collected, tree: whole };
    },
  };
}

/**
 * The tree that steps see: the whole of the base commit's, or with `onlyFetch` one that has the workspace in its place and
 * nothing else. @throws GitFailed when there is no such directory.
 */
export async function treeToShow(
  options: Pick<LayOut, "source" | "workspace" | "run"> & {
    /** With every object of the base commit. */
    readonly gitDirectory: string;
    readonly baseTree: string;
  },
): Promise<string> {
  const { gitDirectory, source, workspace, run, baseTree } = options;
  if (!workspace.onlyFetch || workspace.path === "") return baseTree;
  createTrustedRepository(gitDirectory);
  const repository = { gitDirectory, workTree: gitDirectory };
  return treeOfWorkspace({ repository, commit: source.commit, path: workspace.path, run });
}

/** Runs git's part; what git complains of becomes a verdict for people. @throws TransformFailed */
export async function judged<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof GitFailed)) throw cause;
    throw new TransformFailed("checkout", cause.message, { retryable: cause.retryable, cause });
  }
}

function nestedRepository(paths: readonly string[]): TransformFailed {
  return new TransformFailed(
    "nested-repository",
    `The steps left a git repository or the files of a submodule in ${paths.join(", ")}, which a commit of this repository cannot hold. Remove it in a step (for a clone: its .git directory).`,
  );
}

function outsideWorkspace(workspace: string, path: string): TransformFailed {
  return new TransformFailed(
    "outside-workspace",
    `The steps changed ${path}, which is outside of the workspace ${workspace}; with onlyFetchWorkspace they do not see what is there. Change it no more, or drop onlyFetchWorkspace.`,
  );
}

/**
 * A `.git` for steps that ask git (`git ls-files`, `git mv`): its objects are the base commit's, read-only. Nothing a
 * step does to it is ever looked at again. The one commit in it is the same for every base with the same tree, so that
 * steps cannot come to another result than they did for a base commit that differs in nothing else.
 */
function placeThrowawayGit(options: LayOut, tree: string): void {
  const { source, objectsForSteps, workTreeFromHere } = options;
  const gitDirectory = join(workTreeFromHere, ".git");
  const commit = commitOf(tree);
  const objects = `objects/${commit.id.slice(0, 2)}`;
  for (const name of ["", "objects", objects, "objects/info", "objects/pack", "refs", "refs/heads", "info"]) {
    mkdirSync(join(gitDirectory, name));
  }
  const files: Record<string, string | Buffer> = {
    HEAD: `ref: refs/heads/${source.branch}\n`,
    "packed-refs": `${commit.id} refs/heads/${source.branch}\n`,
    config:
      "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[user]\n\tname = octobatch\n\temail = octobatch@localhost\n[gc]\n\tauto = 0\n",
    "info/attributes": plainAttributes,
    "objects/info/alternates": `${objectsForSteps}\n`,
    [`${objects}/${commit.id.slice(2)}`]: deflateSync(commit.object),
  };
  // In memory, and small: the thread pool costs many times more.
  for (const [name, content] of Object.entries(files)) writeFileSync(join(gitDirectory, name), content);
  copyFileSync(laidOutIndex(options.gitDirectoryFromHere), join(gitDirectory, "index"));
}

/** A commit as git stores it: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
function commitOf(tree: string): { readonly id: string; readonly object: Buffer } {
  const who = "octobatch <octobatch@localhost> 0 +0000";
  const body = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nbase\n`;
  const object = Buffer.from(`commit ${Buffer.byteLength(body)}\0${body}`);
  return { id: createHash("sha1").update(object).digest("hex"), object };
}
