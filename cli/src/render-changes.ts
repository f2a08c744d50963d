import type { ChangesPage, ChangeSearch } from "./api-client.ts";
import { repositoryName } from "./repository-name.ts";
import type { Session } from "./session.ts";
import { counted, repositories as countedRepositories } from "./standings.ts";
import { renderTable, type Cell } from "./table.ts";
import { oneLine, type Paint } from "./terminal.ts";

type Repository = ChangesPage["repositories"][number];

/** What a search of a campaign's changes has found. */
export interface FoundChanges {
  readonly run: number | undefined;
  readonly repositories: readonly Repository[];
  readonly unsearched: ChangesPage["unsearched"] | undefined;
  /** There are more repositories than these. */
  readonly hasMore: boolean;
  readonly search: ChangeSearch;
}

/** A table of the files that were found, each with its lines; how many there are; and what may have been missed. */
export function renderChanges(
  campaign: string,
  { run, repositories, unsearched, hasMore, search }: FoundChanges,
  { paint, io }: { readonly paint: Paint; readonly io: { readonly stdout: Session["io"]["stdout"] } },
): string {
  if (run === undefined) return `Not previewed yet: octobatch preview ${campaign}\n`;
  const showsLines = search.added !== undefined || search.removed !== undefined;
  const files = repositories.reduce((sum, { found }) => sum + found, 0);
  const lines =
    files === 0
      ? [`The patches of run ${run} of ${campaign} have no such file.`]
      : [
          renderTable(
            ["REPOSITORY", "CHANGE", "LINES", "FILE", ...(showsLines ? ["FOUND"] : [])],
            repositories.flatMap((repository) => rowsOf(repository, showsLines)),
            { paint, ...(io.stdout.isTerminal ? { width: io.stdout.columns } : {}) },
          ),
          `${counted(files, "file", "files")} in ${countedRepositories(repositories.length)}${hasMore ? ", and there are more: add --all" : ""}.`,
        ];
  return `${[...lines, ...renderUnsearched(campaign, unsearched)].join("\n")}\n`;
}

function rowsOf(repository: Repository, showsLines: boolean): readonly (readonly Cell[])[] {
  const { files, found } = repository;
  const name = repositoryName(repository);
  const rows = files.flatMap((file) => {
    const path = file.oldPath === undefined ? file.path : `${file.oldPath} → ${file.path}`;
    const counts = file.binary ? "binary" : `+${file.additions} -${file.deletions}`;
    const row: readonly Cell[] = [name, file.change, counts, path];
    if (!showsLines) return [row];
    const [first = "", ...others] = [
      ...file.removed.map((text) => ({ text: `-${text}`, style: "red" as const })),
      ...file.added.map((text) => ({ text: `+${text}`, style: "green" as const })),
    ];
    return [[...row, first], ...others.map((line) => ["", "", "", "", line])];
  });
  const hidden = found - files.length;
  return hidden === 0 ? rows : [...rows, [name, "", "", `… and ${counted(hidden, "file", "files")} more`]];
}

function renderUnsearched(campaign: string, unsearched: FoundChanges["unsearched"]): readonly string[] {
  const [example] = unsearched?.examples ?? [];
  if (unsearched === undefined || example === undefined) return [];
  const { repositories, examples } = unsearched;
  const more = repositories > examples.length ? " and others" : "";
  return [
    `Not searched in full: ${examples.map(oneLine).join(", ")}${more}. Their patches are very large, or have expired.`,
    `See the patch itself: octobatch diff ${campaign} ${oneLine(example)}`,
  ];
}
