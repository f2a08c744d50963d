/** The words of a search: each with the qualifier before it and the quotes around it. */
export function searchTerms(search: string): readonly string[] {
  return search.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
}

/** The organizations and users that a search is confined to, by `org:` and `user:` outside of quotes. */
export function searchOwners(search: string): readonly string[] {
  return searchTerms(search).flatMap((word) => {
    const [, owner] = /^(?:org|user):"?([^"\s]+)"?$/i.exec(word) ?? [];
    return owner === undefined ? [] : [owner];
  });
}
