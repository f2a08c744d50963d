import type { Command } from "commander";
import type { ApiClient, RepositoryView } from "../api-client.ts";
import { exitCodes } from "../exit-codes.ts";
import { collect, countReasons, renderDeadTasks, renderReasons } from "../render-findings.ts";
import type { Perform } from "../session.ts";
import { counted, renderCounts } from "../standings.ts";
import { oneLine, type Paint } from "../terminal.ts";
import { waitForPublication, type Settled } from "../wait-for-publication.ts";
import { campaignArgument, durationMs } from "./names.ts";

interface PublishOptions {
  readonly wait: boolean;
  readonly timeout?: number;
  readonly failOnError?: true;
}

type Asked = Awaited<ReturnType<ApiClient["publish"]>>;

export function declarePublish(program: Command, perform: Perform): void {
  program
    .command("publish")
    .argument("<campaign>", "its name", campaignArgument)
    .option("--no-wait", "ask for the pull requests and end")
    .option(
      "--timeout <duration>",
      "stop waiting after so long, such as 90s, 10m or 2h; publishing goes on",
      durationMs,
    )
    .option("--fail-on-error", "end with exit code 6 when changesets failed")
    .summary("open pull requests for what the newest preview found")
    .description(
      "Opens pull requests for what the newest preview found, as fast as the throttles allow, and closes those of this " +
        "campaign in repositories and workspaces that it no longer selects. Waits until nothing moves: " +
        "each is published, or waits for something that takes longer, such as tomorrow's cap. The rest goes on by itself.",
    )
    .action(
      perform(async (session, campaign: string, options: PublishOptions) => {
        const { print, paint } = session;
        const api = await session.api();
        const before = options.wait ? await reasonsOf(api, campaign) : new Set<string>();
        const asked = await api.publish(campaign);
        if (!options.wait) {
          print(renderAsked(campaign, asked), asked);
          return exitCodes.ok;
        }
        session.progress.show(renderAsked(campaign, asked).trimEnd());
        const settled = await waitForPublication(session, api, campaign, before, options.timeout);
        session.progress.done();
        const { standings, deadTasks } = settled.status;
        const failed = (standings.failed ?? 0) === 0 ? [] : await collect(api.repositories(campaign, "failed"));
        const people =
          (standings["needs-human"] ?? 0) === 0 ? [] : await collect(api.repositories(campaign, "needs-human"));
        const waiting = countReasons(settled.waiting);
        print(renderPublication(settled, failed, people, paint), {
          ...asked,
          campaign: settled.status.campaign,
          standings,
          waiting,
          failed,
          needsHuman: people,
          deadTasks,
        });
        if (settled.waiting.length > 0 && settled.status.campaign.status !== "active") return exitCodes.conflict;
        return options.failOnError === true && failed.length > 0 ? exitCodes.someFailed : exitCodes.ok;
      }),
    );
}

/** Why those that nobody has tried to publish were selected: the reason that is shown until something else is. */
async function reasonsOf(api: ApiClient, campaign: string): Promise<ReadonlySet<string>> {
  const unpublished = await collect(api.repositories(campaign, "unpublished"));
  return new Set(unpublished.map(({ because }) => because));
}

function renderAsked(campaign: string, { asked, closing, under_way, published, left, unseen }: Asked): string {
  const rest = [
    ...(closing === 0 ? [] : [`${closing} to be closed (no longer selected)`]),
    ...(under_way === 0 ? [] : [`${under_way} on the way already`]),
    ...(published === 0 ? [] : [`${published} published already`]),
    ...(left > unseen.length ? [`${left - unseen.length} left to people`] : []),
    ...(unseen.length === 0
      ? []
      : [`${unseen.length} left open (the newest preview did not come across: ${some(unseen)})`]),
  ];
  return `Asked for ${[counted(asked, "pull request", "pull requests"), ...rest].join(", ")} of ${campaign}.\n`;
}

/** The first of them, for one line. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown}, and ${names.length - 5} more` : shown;
}

/** The end of publishing: where the repositories stand, what waits for what, what failed. */
export function renderPublication(
  { status, waiting }: Settled,
  failed: readonly RepositoryView[],
  people: readonly RepositoryView[],
  paint: Paint,
): string {
  const { name, status: state } = status.campaign;
  const stopped =
    state === "active" || waiting.length === 0
      ? []
      : [
          paint(
            "yellow",
            `The campaign is ${state}${state === "paused" ? `; let it go on: octobatch resume ${name}` : ""}`,
          ),
        ];
  const lines = [
    `${name}: ${renderCounts(status.standings, paint)}`,
    ...stopped,
    ...(waiting.length === 0
      ? []
      : [paint("yellow", state === "active" ? "Waiting; it goes on by itself:" : "Waiting:")]),
    ...countReasons(waiting).map(({ because, count }) => `  ${count}: ${oneLine(because)}`),
    ...renderReasons("Failed:", failed, "red", paint),
    ...renderReasons("Left to people:", people, "yellow", paint),
    ...renderDeadTasks(status.deadTasks, paint),
    `See each: octobatch status ${name}`,
  ];
  return `${lines.join("\n")}\n`;
}
