import type { Command } from "commander";
import type { ApiClient, RepositoryView } from "../api-client.ts";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { collect } from "../render-findings.ts";
import { renderDiff } from "../render-diff.ts";
import { repositoryName } from "../repository-name.ts";
import type { Perform, Session } from "../session.ts";
import { oneLine } from "../terminal.ts";
import {
  campaignArgument,
  repositoryArgument,
  workspaceMeaning,
  workspaceOption,
  type WorkspaceOptions,
} from "./names.ts";

type Place = Pick<RepositoryView, "fullName" | "workspace">;

/** Patches that are read at once; each may be tens of megabytes. */
const readAtOnce = 4;

export function declareDiff(program: Command, perform: Perform): void {
  program
    .command("diff")
    .argument("<campaign>", "its name", campaignArgument)
    .argument("[repository]", "owner/name; every repository with a patch when it is left out", repositoryArgument)
    .option(workspaceOption, workspaceMeaning)
    .summary("show the patches that the newest preview made")
    .description(
      "Shows the patch that the newest preview made, of one repository or of all. On a terminal it is coloured; elsewhere it " +
        "is what git apply takes, and with several repositories a line `# owner/name` comes before each, with the path of the " +
        "workspace after it where the repository is divided.",
    )
    .action(
      perform(async (session, campaign: string, fullName: string | undefined, { workspace }: WorkspaceOptions) => {
        const api = await session.api();
        if (fullName === undefined && workspace !== undefined) throw withoutRepository();
        const repository = { fullName: fullName ?? "", ...(workspace === undefined ? {} : { workspace }) };
        if (fullName === undefined) await printAll(session, api, campaign);
        else await printOne(session, campaign, repository, await api.diff(campaign, fullName, workspace));
        return exitCodes.ok;
      }),
    );
}

function withoutRepository(): CliError {
  return new CliError(
    "usage",
    "usage",
    "--workspace says which part of a repository is meant, and there is no repository.",
    {
      remedy: "Name it: octobatch diff CAMPAIGN OWNER/NAME --workspace PATH",
    },
  );
}

async function printOne(
  { io, options, print, paint }: Session,
  campaign: string,
  repository: Place,
  patch: Uint8Array,
) {
  if (options.json) print("", { campaign, diffs: [diffOf(repository, patch)] });
  else if (!io.stdout.isTerminal) io.stdout.write(patch);
  else if (patch.byteLength === 0) io.stdout.write(`${repositoryName(repository)}: no change\n`);
  else io.stdout.write(renderDiff(textOf(patch), paint));
}

async function printAll(session: Session, api: ApiClient, campaign: string): Promise<void> {
  const { io, options, print, paint } = session;
  // Also asked for a campaign without any, which is told apart from one that does not exist.
  const changed = (await collect(api.repositories(campaign))).filter(({ filesChanged = 0 }) => filesChanged > 0);
  const diffs: ReturnType<typeof diffOf>[] = [];
  for await (const [repository, patch] of patchesOf(api, campaign, changed)) {
    if (options.json) diffs.push(diffOf(repository, patch));
    else {
      io.stdout.write(`${paint("bold", headingOf(repository))}\n`);
      io.stdout.write(io.stdout.isTerminal ? renderDiff(textOf(patch), paint) : patch);
    }
    io.interrupted.throwIfAborted();
  }
  if (options.json) print("", { campaign, diffs });
  else if (changed.length === 0) io.stderr.write(`No repository of ${campaign} has a patch.\n`);
}

/** The patches in order, a few read ahead. */
async function* patchesOf(
  api: ApiClient,
  campaign: string,
  changed: readonly RepositoryView[],
): AsyncGenerator<readonly [RepositoryView, Uint8Array]> {
  for (let start = 0; start < changed.length; start += readAtOnce) {
    const batch = changed.slice(start, start + readAtOnce);
    yield* await Promise.all(
      batch.map(async (repository) => {
        const { fullName, workspace = "." } = repository;
        return [repository, await api.diff(campaign, fullName, workspace)] as const;
      }),
    );
  }
}

/** Git apply skips what comes before the first `diff --git`. */
function headingOf(repository: RepositoryView): string {
  const { filesChanged = 0, additions = 0, deletions = 0 } = repository;
  return `# ${oneLine(repositoryName(repository))} (${filesChanged} files, +${additions} -${deletions})`;
}

/** One patch as JSON. */
function diffOf({ fullName: repository, workspace }: Place, patch: Uint8Array) {
  return { repository, ...(workspace === undefined ? {} : { workspace }), diff: textOf(patch) };
}

/** Bytes that are no UTF-8 are shown as the replacement character. */
function textOf(patch: Uint8Array): string {
  return Buffer.from(patch).toString("utf8");
}
