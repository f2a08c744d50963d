import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  CodeHostRefused,
  CodeHostUnavailable,
  type CodeHost,
  type Gatekeeper,
  type RefusalKind,
  type RepositoryRef,
} from "../../ports/code-host.ts";
import type { HostToken, HostTokens } from "../../ports/host-tokens.ts";
import { fingerprintOf } from "../../tokens/fingerprint.ts";
import { fetchBase } from "../git/fetch-base.ts";
import { GitFailed, type RunCommand } from "../git/git-command.ts";
import type { WayToGit } from "../git/git-request.ts";
import { makeCommit, pushCommit, PushRefused } from "../git/push-commit.ts";
import type { RemoteAccess } from "../git/remote.ts";
import { createTrustedRepository } from "../git/trusted-repository.ts";
import { GitHubAnswer } from "./answer.ts";
import { permissionsToWrite, purposeIn } from "./client.ts";
import type { GitHubConnection } from "./connection.ts";
import type { RequestTraits } from "./request-traits.ts";
import type { Caller } from "./turns.ts";

/** Git on this machine, for what the API does not take. */
export interface GitTools {
  readonly run: RunCommand;
  /** Where repositories are made that are thrown away at once. */
  readonly directory: string;
  /** How what is there already is fetched. */
  readonly way: WayToGit;
  /** Proxies and certificates for a push, as git takes them; what has to be a file is put into the directory. */
  readonly environment: (directory: string) => Promise<Readonly<Record<string, string>>>;
}

/** A push is paced as what it does: it makes new content. */
const pushTraits: RequestTraits = { operation: "git push", resource: "core", kind: "write", createsContent: true };

const fetchTimeoutMs = 120_000;
/** It happens while the campaign's gate is held, which Postgres takes away after 60 s. */
const pushTimeoutMs = 50_000;
/** For a fetch and a push. */
const tokenLastsMs = 5 * 60_000;

/** Commits by git itself. The base is fetched into a bare repository that is gone afterwards, whatever happens. */
export function gitPush(
  { ask, turns, webUrl }: GitHubConnection,
  tokens: HostTokens,
  caller: Omit<Caller, "installation">,
  git: GitTools,
  findRepositories: CodeHost["findRepositories"],
): Pick<CodeHost, "pushCommit"> {
  /** By the name that it has now: git follows no redirect with a token. */
  async function present(repository: RepositoryRef): Promise<RepositoryRef> {
    const { id, owner, name } = repository;
    const { repositories } = await findRepositories({ organization: owner, repositories: [{ name }], files: [] });
    const found = repositories.find((each) => each.id === id);
    if (found !== undefined) return found;
    throw new CodeHostRefused("not-found", `${owner}/${name} is no longer there, or is another repository now.`);
  }

  /** What is done with a token that is not accepted is done once more with another: nothing has happened yet. */
  async function withToken<T>(
    { owner, name, id }: RepositoryRef,
    writesWorkflows: boolean,
    work: (access: RemoteAccess, installation: number) => Promise<T>,
  ): Promise<T> {
    const { contents, workflows } = permissionsToWrite({ writesWorkflows });
    const permissions = { ...(contents && { contents }), ...(workflows && { workflows }) };
    const account = { account: owner, repository: `${owner}/${name}` };
    const wish = { permissions, repositoryIds: [id], validForMs: tokenLastsMs };
    const withThis = ({ token, installation }: HostToken) =>
      work({ url: `${webUrl}/${owner}/${name}.git`, token }, installation);
    const known = await tokens.token(account, wish);
    try {
      return await withThis(known);
    } catch (error) {
      if (!(error instanceof CodeHostRefused) || error.kind !== "bad-credentials") throw error;
      return withThis(await tokens.token(account, { ...wish, refused: fingerprintOf(known.token) }));
    }
  }

  return {
    async pushCommit(repository, draft, { branch, from }, gatekeeper = passThrough) {
      const directory = await mkdtemp(join(git.directory, "octobatch-push-"));
      try {
        const place = { gitDirectory: join(directory, "repository"), run: git.run };
        const operatorEnvironment = await git.environment(directory);
        const writesWorkflows = draft.changes.some(({ path }) => path.startsWith(".github/workflows/"));
        return await withToken(await present(repository), writesWorkflows, async (access, installation) => {
          await rm(place.gitDirectory, { recursive: true, force: true });
          createTrustedRepository(place.gitDirectory);
          const base = { ...place, access, commit: draft.parent, timeoutMs: fetchTimeoutMs, way: git.way };
          await asPort("not-found", () => fetchBase(base));
          const made = await asPort("invalid", () => makeCommit(place, draft));
          const { commit, tree } = made;
          if (tree !== draft.tree) {
            const message = `Git made tree ${tree} of the patch, but the preview made ${draft.tree}. Preview again before publishing.`;
            throw new CodeHostRefused("invalid", message);
          }
          const push = { access, commit, branch, from, timeoutMs: pushTimeoutMs, operatorEnvironment };
          const purpose = { ...purposeIn(repository, `push the branch ${branch} of`), writesWorkflows };
          const asker = { ...caller, installation: String(installation) };
          await gatekeeper(() => ask(purpose, false, () => turns(asker, pushTraits, () => pushed(place, push))));
          return made;
        });
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

const passThrough: Gatekeeper = (mutation) => mutation();

async function pushed(
  place: Parameters<typeof pushCommit>[0],
  push: Parameters<typeof pushCommit>[1],
): Promise<object> {
  try {
    await pushCommit(place, push);
    return {};
  } catch (error) {
    if (!(error instanceof PushRefused)) throw error;
    // What the server says of a branch comes with a request that went well.
    throw new GitHubAnswer({ status: error.status ?? 200, messages: [error.message] });
  }
}

/** Git's failures in the port's words. */
async function asPort<T>(kind: RefusalKind, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    if (error.status === 401) throw new CodeHostRefused("bad-credentials", error.message, { cause: error });
    if (error.retryable) throw new CodeHostUnavailable(error.message, { cause: error });
    throw new CodeHostRefused(kind, error.message, { cause: error });
  }
}
