import type { ChangedFile } from "./changed-file.ts";
import type { FileStatistics } from "./transform-result.ts";

/** What people look for in the patches of a run. A file is found when all of it is true. */
export interface ChangeQuery {
  readonly campaign: string;
  readonly run: number;
  /** A glob, as in specs, for the file's path or the one that it had before. */
  readonly path?: string | undefined;
  /** A text within one added line, as it is written: case counts, and nothing stands for anything else. */
  readonly added?: string | undefined;
  /** The same, within one removed line. */
  readonly removed?: string | undefined;
  readonly change?: FileStatistics["change"] | undefined;
  /** What `next` of the page before says. */
  readonly after?: string | undefined;
  /** Repositories. */
  readonly limit: number;
}

/** One repository, or one workspace of it, with files that were found. */
export interface RepositoryChanges {
  readonly fullName: string;
  /** Its path in the repository; empty when it is the root. */
  readonly workspace: string;
  readonly executionId: string;
  /** How many files were found. */
  readonly found: number;
  /** The first of them, in the order of the patch. */
  readonly files: readonly FoundFile[];
}

export interface FoundFile extends FileStatistics {
  /** The first lines that have the text which was looked for; long ones are cut around it. None when none was. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Not all of the file's lines could be searched. */
  readonly truncated: boolean;
}

/** Repositories with patches that are not searched in full: they were too large, or have expired. */
export interface Unsearched {
  readonly repositories: number;
  /** Names of the first of them. */
  readonly examples: readonly string[];
}

/** The changed files of executions, for search. They are forgotten with the artifacts of their execution. */
export interface ChangedFileStore {
  /** Writes the files of an execution's patch; writing them twice changes nothing. */
  addAll(executionId: string, files: readonly ChangedFile[]): Promise<void>;

  /** A page of the repositories with files that are found, by name. */
  search(query: ChangeQuery): Promise<{ readonly repositories: readonly RepositoryChanges[]; readonly next?: string }>;

  /** Where a search of the run may miss something. */
  unsearched(campaign: string, run: number): Promise<Unsearched>;
}
