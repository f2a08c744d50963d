import type { RepositoryStanding } from "#shared/campaign/campaign-overview.ts";
import { Rejected } from "#shared/errors.ts";
import type { Execution } from "#shared/execution/execution.ts";
import type { ApiCapabilities } from "./capabilities.ts";

/** A repository of a campaign's newest run, and the one of its workspaces that is meant. */
interface AskedFor {
  readonly campaign: string;
  readonly owner: string;
  readonly repo: string;
  /** A path, or `.` for the root; it may be left out where there is no choice. */
  readonly workspace?: string | undefined;
}

/** As people read it: `owner/name`, with the workspace after a space. */
export function nameOf({ fullName, workspace }: Pick<RepositoryStanding, "fullName" | "workspace">): string {
  return workspace === undefined ? fullName : `${fullName} ${workspace}`;
}

/**
 * Where a repository or workspace stands in the newest run.
 * @throws Rejected when it is not there, or when it has to be said which workspace of the repository is meant.
 */
async function findStanding(
  { campaigns, runs, overview }: ApiCapabilities,
  asked: AskedFor,
): Promise<RepositoryStanding> {
  const { campaign } = asked;
  await campaigns.get(campaign);
  const run = await runs.latest(campaign);
  if (run === undefined) {
    throw new Rejected("not-found", `Campaign ${campaign} was not previewed yet: octobatch preview ${campaign}.`);
  }
  const standings = await overview.repository(campaign, run.number, `${asked.owner}/${asked.repo}`);
  const [first] = standings;
  if (first === undefined) {
    throw new Rejected("not-found", `${asked.owner}/${asked.repo} is not in the newest run of ${campaign}.`);
  }
  const selected = standings.filter(({ standing }) => standing !== "excluded");
  if (asked.workspace === undefined) {
    if (selected.length <= 1) return selected[0] ?? first;
    throw new Rejected("invalid", `${first.fullName} has several workspaces. Say which one: ${listOf(selected)}.`);
  }
  const path = asked.workspace === "." ? undefined : asked.workspace;
  const found = standings.find(({ workspace }) => workspace === path);
  if (found !== undefined) return found;
  throw new Rejected(
    "not-found",
    `${first.fullName} has no workspace ${asked.workspace}. It has ${listOf(standings)}.`,
  );
}

/**
 * What the newest run made of a repository or workspace.
 * @throws Rejected as {@link findStanding} does, and when it was left out or has no result yet.
 */
export async function findExecution(capabilities: ApiCapabilities, asked: AskedFor): Promise<Execution> {
  return executionOf(capabilities, await findStanding(capabilities, asked), true);
}

/** The same, though it may not have ended. @throws Rejected when it is not known yet what is to be executed. */
export async function findExecutionAsItIs(capabilities: ApiCapabilities, asked: AskedFor): Promise<Execution> {
  return executionOf(capabilities, await findStanding(capabilities, asked), false);
}

function executionOf(
  { executions }: Pick<ApiCapabilities, "executions">,
  found: RepositoryStanding,
  hasToHaveEnded: boolean,
): Promise<Execution> {
  const { standing, because, executionId } = found;
  if (standing === "excluded") throw new Rejected("not-found", `${nameOf(found)} was left out: ${because}.`);
  const isUnderWay = standing === "pending" || standing === "running";
  if (isUnderWay && (hasToHaveEnded || executionId === undefined)) {
    throw new Rejected("conflict", `${nameOf(found)} has no result yet: it is ${standing}.`);
  }
  if (executionId === undefined) throw new Rejected("not-found", `${nameOf(found)} was not executed: ${because}.`);
  return executions.get(executionId);
}

const listedAtMost = 20;

/** Their paths, the first few of them when there are many. */
function listOf(standings: readonly RepositoryStanding[]): string {
  const paths = standings.map(({ workspace = "." }) => workspace);
  const more = paths.length - listedAtMost;
  return `${paths.slice(0, listedAtMost).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
