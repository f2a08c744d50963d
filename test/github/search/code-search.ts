import { validationFailed } from "../http/refusal.ts";
import type { Repository } from "../state/repository.ts";
import { fullName } from "../state/repository.ts";
import type { CodeIndex, IndexedFile } from "./code-index.ts";
import { terms } from "./repository-search.ts";

export interface CodeHit {
  readonly repository: Repository;
  readonly commit: string;
  readonly file: IndexedFile;
}

interface CodeQuery {
  readonly isSearched: (repository: Repository) => boolean;
  readonly matches: (file: IndexedFile) => boolean;
}

/**
 * Files whose content or path has what the query asks for, in the default branches of the repositories given.
 * @throws Refusal 422 for a query without anything to look for, or without `org:`, `user:` or `repo:`
 */
export async function searchCode(
  index: CodeIndex,
  repositories: readonly Repository[],
  text: string,
): Promise<readonly CodeHit[]> {
  const query = parseCodeQuery(text);
  const hits: CodeHit[] = [];
  for (const repository of repositories) {
    if (!query.isSearched(repository)) continue;
    const { commit, files } = await index.filesOf(repository);
    if (commit === undefined) continue;
    for (const file of files) if (query.matches(file)) hits.push({ repository, commit, file });
  }
  return hits;
}

type FileTest = (file: IndexedFile) => boolean;

function parseCodeQuery(text: string): CodeQuery {
  const scopes: ((repository: Repository) => boolean)[] = [];
  const tests: FileTest[] = [];
  const words: string[] = [];
  let [forks, inPath] = [false, false];
  for (const term of terms(text)) {
    const { not, name, value = "" } = /^(?<not>-)?(?<name>[a-z]+):(?<value>.+)$/i.exec(term)?.groups ?? {};
    const wanted = value.toLowerCase();
    const test = name === undefined ? undefined : fileTest(name.toLowerCase(), wanted);
    const scope = name === undefined ? undefined : scopeOf(name.toLowerCase(), wanted);
    if (test !== undefined) tests.push(not === undefined ? test : (file) => !test(file));
    else if (scope !== undefined) scopes.push(scope);
    else if (name === "fork") forks = wanted === "true" || wanted === "only";
    else if (name === "in") inPath = wanted.split(",").includes("path");
    else if (name === undefined) words.push(term.toLowerCase());
    else throw invalidQuery("ERROR_TYPE_QUERY_PARSING_FATAL unable to parse query!");
  }
  if (words.length + tests.length === 0) throw invalidQuery("ERROR_TYPE_QUERY_PARSING_FATAL unable to parse query!");
  if (scopes.length === 0) throw invalidQuery("Must include at least one user, organization, or repository");
  const hasWord = (file: IndexedFile, word: string): boolean =>
    file.text.includes(word) || (inPath && file.path.toLowerCase().includes(word));
  return {
    isSearched: (repository) => (forks || !repository.isFork) && scopes.some((scope) => scope(repository)),
    matches: (file) => tests.every((test) => test(file)) && words.every((word) => hasWord(file, word)),
  };
}

function scopeOf(name: string, wanted: string): ((repository: Repository) => boolean) | undefined {
  if (name === "org" || name === "user") return (repository) => repository.owner.login.toLowerCase() === wanted;
  return name === "repo" ? (repository) => fullName(repository).toLowerCase() === wanted : undefined;
}

function fileTest(name: string, wanted: string): FileTest | undefined {
  switch (name) {
    case "filename":
      return ({ path }) => path.toLowerCase().split("/").at(-1) === wanted;
    case "extension":
      return ({ path }) => path.toLowerCase().endsWith(`.${wanted.replace(/^\./, "")}`);
    case "path": {
      const folder = wanted.replaceAll(/^\/+|\/+$/g, "");
      return ({ path }) => (folder === "" ? !path.includes("/") : path.toLowerCase().startsWith(`${folder}/`));
    }
    default:
      return undefined;
  }
}

function invalidQuery(message: string): Error {
  return validationFailed({ message, resource: "Search", field: "q", code: "invalid" });
}
