import { searchTerms } from "./search-owner.ts";

/**
 * The qualifiers of the REST API's code search; its syntax is an older one than that of github.com's search page.
 * https://docs.github.com/en/search-github/searching-on-github/searching-code
 */
const qualifiers = ["in", "user", "org", "repo", "path", "language", "size", "filename", "extension", "fork"];

/** Why GitHub would not answer this code search, or would answer something else; undefined when it is one. */
export function codeSearchObjection(query: string): { message: string; remedy: string } | undefined {
  const terms = searchTerms(query).map(termOf);
  if (terms.some(({ qualifier }) => qualifier === "repo")) {
    return {
      message: "names a repository, which GitHub adds to those of the organization",
      remedy: "list it in an entry of its own: repository: OWNER/NAME",
    };
  }
  const looksForSomething = terms.some(
    ({ qualifier, isNegated }) => !isNegated && (qualifier === undefined || qualifier === "filename"),
  );
  if (!looksForSomething && query !== "") {
    return {
      message: "says where to look and not what to look for",
      remedy: "add a word, or filename:NAME",
    };
  }
  return undefined;
}

/** What looks like a qualifier and is none, such as `image:node`, is searched for as text. */
function termOf(term: string): { readonly qualifier?: string; readonly isNegated: boolean } {
  const [, minus, name = ""] = /^(-)?([a-z]+):./i.exec(term) ?? [];
  const qualifier = qualifiers.find((known) => known === name.toLowerCase());
  if (qualifier !== undefined) return { qualifier, isNegated: minus !== undefined };
  return { isNegated: /^(?:-|(?:AND|OR|NOT)$)/.test(term) };
}
