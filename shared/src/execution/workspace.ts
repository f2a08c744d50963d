import { hiddenCharacter } from "#shared/spec/schema/text.ts";

/** The part of a repository that an execution is about. */
export interface Workspace {
  /** The directory that steps run in, relative to the root of the repository, without a slash at the end; empty: the root. */
  readonly path: string;
  /** Steps find this directory alone, not the whole repository. */
  readonly onlyFetch: boolean;
}

export const wholeRepository: Workspace = { path: "", onlyFetch: false };

/** The workspace at a directory. The root is the whole repository, whatever is fetched. */
export function workspaceAt(path: string, onlyFetch: boolean): Workspace {
  return path === "" ? wholeRepository : { path, onlyFetch };
}

/** Longer paths are no workspaces: they are part of keys and queries. */
const maxPathCharacters = 512;

/** Why a directory cannot be a workspace, whatever the spec says; undefined when it can. */
export function workspaceObjection(path: string): string | undefined {
  if (path === "") return undefined;
  if (path.length > maxPathCharacters) return `its path is longer than ${maxPathCharacters} characters`;
  const hidden = hiddenCharacter(path);
  if (hidden !== undefined) return `its path has the character ${hidden}`;
  if (path.includes("\\")) return "its path has a backslash";
  // The code host shows bytes that are no UTF-8 like this, and nobody could say which directory is meant.
  if (path.includes("\uFFFD")) return "its path is no UTF-8";
  const isOdd = path.split("/").some((part) => /^(\.{0,2}|\.git)$/i.test(part));
  return isOdd ? "git does not lay out its path" : undefined;
}
