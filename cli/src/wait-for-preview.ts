import type { ApiClient, Status } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { looks } from "./poll.ts";
import type { Session } from "./session.ts";
import { repositories } from "./standings.ts";

/** A status that has a run. */
export type RunStatus = Status & { readonly run: NonNullable<Status["run"]> };
type Run = RunStatus["run"];

/**
 * Follows a run until every selected repository has its result, or the selection was given up.
 * @throws CliError when it cannot finish as things are: paused, killed, or another run has taken its place.
 */
export async function waitForPreview(
  { io, progress }: Pick<Session, "io" | "progress">,
  api: Pick<ApiClient, "status">,
  { campaign, number }: Run,
  timeoutMs: number | undefined,
): Promise<RunStatus> {
  let idleLooks = 0;
  for await (const _ of looks(io, timeoutMs)) {
    const status = await api.status(campaign);
    const { run } = status;
    if (run?.number !== number) throw superseded(campaign, number, run);
    if (run.finished) return { ...status, run };
    progress.show(renderRunProgress(run, status.campaign.status));
    // What runs when the campaign is paused may still finish; two looks without any are an end.
    idleLooks = status.campaign.status === "active" || run.progress.running > 0 ? 0 : idleLooks + 1;
    if (idleLooks === 2) throw stopped(status.campaign);
  }
  throw new TypeError("looks end by throwing");
}

/** `Run 3: 12 of 60 done, 2 running, 9 patches, 1 failed`. */
export function renderRunProgress(
  { number, progress, selectionComplete }: Run,
  status: Status["campaign"]["status"],
): string {
  const { seen, selected, pending, running, patches, failed } = progress;
  const done = selected - pending - running;
  const selection = selectionComplete ? "" : ` (selecting: ${repositories(seen)} seen so far)`;
  const paused = status === "active" ? "" : ` (${status})`;
  const parts = [`${done} of ${selected} done${selection}${paused}`, `${running} running`, `${patches} with a patch`];
  return `Run ${number}: ${parts.join(", ")}, ${failed} failed`;
}

function superseded(campaign: string, number: number, run: Run | undefined): CliError {
  const now = run === undefined ? "there is none any more" : `run ${run.number} is the newest now`;
  return new CliError("conflict", "superseded", `Run ${number} of ${campaign} was overtaken: ${now}.`, {
    remedy: `Follow that one: octobatch preview ${campaign}`,
  });
}

function stopped({ name, status }: Status["campaign"]): CliError {
  return new CliError("conflict", status, `Campaign ${name} was ${status} before its preview had finished.`, {
    remedy:
      status === "paused"
        ? `Let it go on with \`octobatch resume ${name}\`, then wait again with \`octobatch preview ${name}\`.`
        : "Apply the spec under another name to start again.",
  });
}
