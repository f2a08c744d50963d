import type { SelectionSum, SharedReason } from "./selection-tally.ts";
import type { Session } from "./session.ts";
import { counted, repositories } from "./standings.ts";
import { renderTable } from "./table.ts";
import { oneLine, type Paint } from "./terminal.ts";

/** Reasons beyond these are about few repositories each. */
const reasonsShown = 20;

/** How many are in and out and why, with every repository when `all` asks for it, and what it took at GitHub. */
export function renderSelection(
  sum: SelectionSum,
  { file, all, isComplete }: { readonly file: string; readonly all: boolean; readonly isComplete: boolean },
  { paint, io }: { readonly paint: Paint; readonly io: { readonly stdout: Session["io"]["stdout"] } },
): string {
  const { campaign = "", selected, excluded, reasons, cost } = sum;
  const seen = selected + excluded;
  const soFar = isComplete ? "" : " so far";
  const [out, inside] = [reasons.filter((reason) => !reason.selected), reasons.filter((reason) => reason.selected)];
  const lines = [
    `${paint("bold", oneLine(campaign))} selects ${paint("green", String(selected))} of ${repositories(seen)}${soFar}, and leaves out ${excluded}.`,
    ...renderReasons("Out:", out, paint),
    ...renderReasons("In:", inside, paint),
    ...renderDivided(sum),
    ...(all && seen > 0 ? ["", renderAll(sum, { paint, io }).trimEnd(), ""] : []),
    `Asked of GitHub: ${renderCost(cost)}.`,
    ...(isComplete
      ? [`Nothing was stored. Next: octobatch apply ${oneLine(file)}, then octobatch preview ${oneLine(campaign)}`]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

function renderReasons(heading: string, reasons: readonly SharedReason[], paint: Paint): readonly string[] {
  if (reasons.length === 0) return [];
  const shown = reasons.slice(0, reasonsShown);
  const digits = String(shown[0]?.count ?? 0).length;
  const rest = reasons.slice(reasonsShown).reduce((sum, { count }) => sum + count, 0);
  return [
    heading,
    ...shown.flatMap(({ because, count, examples }) => [
      `  ${String(count).padStart(digits)}  ${oneLine(because)}`,
      paint(
        "dim",
        `  ${" ".repeat(digits)}  ${examples.map(oneLine).join(", ")}${count > examples.length ? ", …" : ""}`,
      ),
    ]),
    ...(rest === 0
      ? []
      : [`  and ${counted(reasons.length - reasonsShown, "reason", "reasons")} more, of ${repositories(rest)}: --all`]),
  ];
}

/** The preview looks into repositories; here it is only known which ones it will divide. */
function renderDivided({ repositories: verdicts }: SelectionSum): readonly string[] {
  const divided = Map.groupBy(
    verdicts.filter(({ dividedAt }) => dividedAt !== undefined),
    ({ dividedAt = "" }) => dividedAt,
  );
  return [...divided].map(
    ([file, { length }]) =>
      `${repositories(length)} will be divided: each directory with ${oneLine(file)} is a workspace. The preview finds them.`,
  );
}

function renderAll(
  { repositories: verdicts }: SelectionSum,
  { paint, io }: { readonly paint: Paint; readonly io: { readonly stdout: Session["io"]["stdout"] } },
): string {
  const fitted = io.stdout.isTerminal ? { width: io.stdout.columns } : {};
  const rows = verdicts.map(({ fullName, selected, branch = "", because }) => [
    fullName,
    selected ? { text: "in", style: "green" as const } : { text: "out", style: "dim" as const },
    branch,
    because,
  ]);
  return renderTable(["REPOSITORY", "IN OR OUT", "BRANCH", "WHY"], rows, { paint, ...fitted });
}

/** `52 requests: 50 GraphQL requests for 50 points of the hourly budget, 2 searches`. */
function renderCost({ requests, graphqlRequests, graphqlPoints, searches }: SelectionSum["cost"]): string {
  // A GitHub whose limits are off charges nothing.
  const charge = graphqlPoints === 0 ? "" : ` for ${counted(graphqlPoints, "point", "points")} of the hourly budget`;
  const parts = [
    ...(graphqlRequests === 0 ? [] : [`${counted(graphqlRequests, "GraphQL request", "GraphQL requests")}${charge}`]),
    ...(searches === 0 ? [] : [counted(searches, "search", "searches")]),
  ];
  if (parts.length > 0 && requests === Math.max(graphqlRequests, searches)) return parts.join(", ");
  return [counted(requests, "request", "requests"), ...(parts.length === 0 ? [] : [parts.join(", ")])].join(": ");
}
