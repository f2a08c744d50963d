import type { Command } from "commander";
import type { ApiClient, AuditEntryView, Verification } from "../api-client.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Perform } from "../session.ts";
import { renderTable } from "../table.ts";
import { oneLine, type Paint } from "../terminal.ts";
import { campaignArgument, wholeNumber } from "./names.ts";

interface ListOptions {
  readonly campaign?: string;
  readonly after: number;
  readonly limit: number;
}

const pageSize = 1000;

export function declareAudit(program: Command, perform: Perform): void {
  const audit = program
    .command("audit")
    .helpCommand(false)
    .summary("read and verify the audit log")
    .description("Reads and verifies the audit log: every change to GitHub and every action of a person.");
  audit
    .command("verify")
    .summary("check that no entry was changed or removed")
    .description("Recomputes the hash of every entry and checks that each carries the one before it.")
    .action(
      perform(async ({ api, print, paint }) => {
        const verification = await (await api()).verifyAudit();
        print(renderVerification(verification, paint), verification);
        return verification.intact ? exitCodes.ok : exitCodes.auditBroken;
      }),
    );
  audit
    .command("list")
    .option("--campaign <campaign>", "only entries of this campaign", campaignArgument)
    .option("--after <number>", "only entries after this one", wholeNumber(0), 0)
    .option("--limit <count>", "at most so many", wholeNumber(1), 100)
    .summary("list entries, the oldest first")
    .description("Lists who did what, the oldest first.")
    .action(
      perform(async ({ api, print, paint, io }, options: ListOptions) => {
        const entries = await readEntries(await api(), options);
        const width = io.stdout.isTerminal ? { width: io.stdout.columns } : {};
        print(renderEntries(entries, { paint, ...width }), { entries });
        return exitCodes.ok;
      }),
    );
}

async function readEntries(
  api: ApiClient,
  { after, limit, ...query }: ListOptions,
): Promise<readonly AuditEntryView[]> {
  const entries: AuditEntryView[] = [];
  while (entries.length < limit) {
    const asked = Math.min(pageSize, limit - entries.length);
    const page = await api.auditEntries({ ...query, after: entries.at(-1)?.seq ?? after, limit: asked });
    entries.push(...page);
    if (page.length < asked) break;
  }
  return entries;
}

export function renderVerification(
  { intact, entries, lastHash, brokenAt, because }: Verification,
  paint: Paint,
): string {
  if (intact) {
    const last = lastHash === undefined ? "" : `; the last hash is ${oneLine(lastHash)}`;
    return `${paint("green", "The audit log is intact")}: ${entries} entries${last}\n`;
  }
  const where = brokenAt === undefined ? "" : ` at entry ${brokenAt}`;
  return `${paint("red", `The audit log is broken${where}`)}: ${oneLine(because ?? "the service does not say why")}\n`;
}

function renderEntries(
  entries: readonly AuditEntryView[],
  options: { readonly paint: Paint; readonly width?: number },
): string {
  if (entries.length === 0) return "There are no such entries.\n";
  return renderTable(
    ["NO", "AT", "WHO", "WHAT", "CAMPAIGN", "REPOSITORY", "DETAIL"],
    entries.map(({ seq, at, actor, action, campaign = "", repository = "", specVersion, detail }) => [
      String(seq),
      at,
      actor,
      action,
      specVersion === undefined ? campaign : `${campaign} v${specVersion}`,
      repository,
      Object.entries(detail)
        .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(",") : value}`)
        .join(" "),
    ]),
    options,
  );
}
