import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { webUrlOf } from "#shared/adapters/github/web-url.ts";
import type { Workspace } from "#shared/execution/workspace.ts";
import { SandboxUnavailable } from "#shared/ports/sandbox.ts";
import { InvalidConfiguration, readSettings, type Settings } from "#shared/runtime/config.ts";
import { gitsWayOut } from "#shared/runtime/gits-way-out.ts";
import { wayToRepositories } from "#shared/runtime/open-github.ts";
import { sandboxLimits, sandboxLimitSettings } from "#shared/runtime/sandbox-limits.ts";
import { InvalidSpec } from "#shared/spec/invalid-spec.ts";
import { parseSpec } from "#shared/spec/parse-spec.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { CliError } from "../cli-error.ts";
import { Interruption, type Io } from "../io.ts";
import { divide } from "./divide.ts";
import { takeGitHubRepository } from "./github-repository.ts";
import { takeLocalRepository } from "./local-repository.ts";
import { runSteps, type StepsWatcher, type TriedWorkspace } from "./run-steps.ts";
import { interruptibleGit, type TriedRepository } from "./tried-repository.ts";

export interface TryRequest {
  /** As people write it, and how messages name it. */
  readonly spec: string;
  readonly source: string;
  /** `owner/name` on GitHub; else the repository in `dir`. */
  readonly repo?: string | undefined;
  readonly branch?: string | undefined;
  /** Relative to the current directory. */
  readonly dir: string;
  /** Absent: all of them. */
  readonly workspace?: string | undefined;
  /** Environment variables that steps may have as secrets of these names. */
  readonly secret?: readonly string[] | undefined;
  readonly isolation: "auto" | "none";
}

/** Hears how it goes, while it goes. */
export interface TryWatcher extends StepsWatcher {
  /** What is going to be tried. */
  began(spec: Spec, repository: TriedRepository, workspaces: readonly Workspace[]): void;
  endedWorkspace(workspace: TriedWorkspace): void;
}

const trySettings = [
  "OCTOBATCH_GITHUB_API_URL",
  "HTTPS_PROXY",
  "NO_PROXY",
  "OCTOBATCH_GITHUB_CERTIFICATES",
  "OCTOBATCH_TOOL_DIRECTORIES",
  "OCTOBATCH_READ_ONLY_DIRECTORIES",
  "OCTOBATCH_SECRETS",
  ...sandboxLimitSettings,
] as const;

type TrySettings = Pick<Settings, (typeof trySettings)[number]>;

/**
 * Runs the steps of a spec on one repository, in the sandbox of this machine. Nothing of it is kept, and the repository is
 * only read. Its filters and sources are not asked: whoever names a repository wants it.
 *
 * @throws CliError, after all that was started has ended.
 */
export async function runTry(
  request: TryRequest,
  io: Pick<Io, "env" | "cwd" | "interrupted">,
  watcher: TryWatcher,
): Promise<void> {
  const spec = parsed(request);
  const settings = settingsFrom(io.env);
  const secrets = secretsOf(request.secret ?? [], io.env, settings);
  const directory = await mkdtemp(join(tmpdir(), "octobatch-try-"));
  try {
    const gitDirectory = join(directory, "base.git");
    const run = interruptibleGit(io.interrupted);
    const repository = await take(request, io, { settings, directory, gitDirectory, run });
    const workspaces = await divide({ spec, repository, gitDirectory, run, wanted: request.workspace });
    watcher.began(spec, repository, workspaces);
    const running = {
      limits: sandboxLimits(settings),
      secrets,
      isolation: request.isolation,
      toolDirectories: settings.OCTOBATCH_TOOL_DIRECTORIES,
      readOnlyDirectories: settings.OCTOBATCH_READ_ONLY_DIRECTORIES,
    };
    const tried = runSteps({
      spec,
      repository,
      gitDirectory,
      workspaces,
      workDirectory: join(directory, "work"),
      running,
      watcher,
      interrupted: io.interrupted,
    });
    for await (const workspace of tried) watcher.endedWorkspace(workspace);
  } catch (error) {
    throw told(error);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function parsed({ spec, source }: TryRequest): Spec {
  try {
    return parseSpec(spec, { source }).spec;
  } catch (cause) {
    if (!(cause instanceof InvalidSpec)) throw cause;
    const problems = cause.problems.map(({ remedy, ...problem }) => ({ ...problem, ...(remedy && { remedy }) }));
    throw new CliError("invalidSpec", "invalid-spec", cause.message, { problems, cause });
  }
}

function settingsFrom(env: Io["env"]): TrySettings {
  try {
    return readSettings(env, trySettings);
  } catch (cause) {
    if (!(cause instanceof InvalidConfiguration)) throw cause;
    throw new CliError("configuration", "configuration", cause.message, { cause });
  }
}

function secretsOf(
  names: readonly string[],
  env: Io["env"],
  { OCTOBATCH_SECRETS }: TrySettings,
): (name: string) => string | undefined {
  for (const name of names) {
    if (env[name]) continue;
    throw new CliError("usage", "no-secret", `There is no environment variable ${name} to take the secret from.`, {
      remedy: `Set it: ${name}=… octobatch try …`,
    });
  }
  return (name) => (names.includes(name) ? env[name] : OCTOBATCH_SECRETS[name]);
}

async function take(
  { repo, branch, dir }: TryRequest,
  { env, cwd, interrupted }: Pick<Io, "env" | "cwd" | "interrupted">,
  place: {
    readonly settings: TrySettings;
    readonly directory: string;
    readonly gitDirectory: string;
    readonly run: ReturnType<typeof interruptibleGit>;
  },
): Promise<TriedRepository> {
  const { settings, directory, gitDirectory, run } = place;
  if (repo === undefined) return takeLocalRepository({ directory: resolve(cwd, dir), gitDirectory, run, env });
  return takeGitHubRepository({
    repository: repo,
    branch,
    webUrl: webUrlOf(settings.OCTOBATCH_GITHUB_API_URL),
    token: env["GITHUB_TOKEN"] || env["GH_TOKEN"] || undefined,
    gitDirectory,
    run,
    wayToGit: wayToRepositories(settings),
    gitEnvironment: await gitsWayOut(settings, directory),
    interrupted,
  });
}

/** What a person is told of an error from below. */
function told(error: unknown): unknown {
  if (error instanceof SandboxUnavailable) {
    return new CliError("unavailable", "no-sandbox", error.message, {
      remedy: "If you trust the steps, run them without a sandbox: --isolation none",
      cause: error,
    });
  }
  if (!(error instanceof Interruption) || error.by === "closed-output") return error;
  const exit = error.by === "SIGTERM" ? "terminated" : "interrupted";
  const message = `${exit === "terminated" ? "Terminated" : "Interrupted"}: what was started has ended, and nothing is left of it.`;
  return new CliError(exit, exit, message, { cause: error });
}
