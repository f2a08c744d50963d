import { type RunCommand, gitEnvironment } from "#shared/adapters/git/git-command.ts";
import { workspaceAt, workspaceObjection, wholeRepository, type Workspace } from "#shared/execution/workspace.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { workspaceDirectories, workspaceRuleFor } from "#shared/spec/workspaces.ts";
import { CliError } from "../cli-error.ts";
import type { TriedRepository } from "./tried-repository.ts";

/**
 * The workspaces of a repository as the spec divides it: all of them, or the one that was asked for.
 * @throws CliError when there is none.
 */
export async function divide(options: {
  readonly spec: Spec;
  readonly repository: TriedRepository;
  /** Has the commit. */
  readonly gitDirectory: string;
  readonly run: RunCommand;
  /** A path; `.` is the root. */
  readonly wanted: string | undefined;
}): Promise<readonly Workspace[]> {
  const { spec, repository, wanted } = options;
  const rule = workspaceRuleFor(spec, repository);
  const all =
    rule === undefined
      ? [wholeRepository]
      : workspaceDirectories(rule, await filesNamed(rule.rootAtLocationOf, options))
          .directories.filter((path) => workspaceObjection(path) === undefined)
          .map((path) => workspaceAt(path, rule.onlyFetchWorkspace));
  const chosen = wanted === undefined ? all : all.filter(({ path }) => path === pathOf(wanted));
  if (chosen.length > 0) return chosen;
  const named = all.map(({ path }) => path || ".").join(", ");
  throw new CliError(
    "notFound",
    "no-workspace",
    wanted === undefined
      ? `The spec divides ${repository.owner}/${repository.name}, and no directory of it is a workspace.`
      : `${wanted} is no workspace of ${repository.owner}/${repository.name}.`,
    { remedy: named === "" ? "Change `workspaces` in the spec." : `It has these: ${named}` },
  );
}

function pathOf(wanted: string): string {
  const path = wanted.replace(/^\.\//u, "").replace(/\/+$/u, "");
  return path === "." ? "" : path;
}

async function filesNamed(
  name: string,
  { repository, gitDirectory, run }: Pick<Parameters<typeof divide>[0], "repository" | "gitDirectory" | "run">,
): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await run({
    argv: ["git", "ls-tree", "-r", "-z", "--name-only", "--full-tree", repository.commit],
    environment: gitEnvironment({ repository: { gitDirectory, workTree: gitDirectory } }),
    timeoutMs: 60_000,
    maxOutputBytes: 256 << 20,
  });
  if (exitCode !== 0) throw new Error(`git ls-tree failed: ${stderr}`);
  const paths = stdout.toString("utf8").split("\0");
  return paths.filter((path) => path === name || path.endsWith(`/${name}`));
}
