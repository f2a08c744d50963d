/** The organizations and users that a repository search is confined to, by `org:` and `user:` outside of quotes. */
export function searchOwners(search: string): readonly string[] {
  const words = search.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
  return words.flatMap((word) => {
    const [, owner] = /^(?:org|user):"?([^"\s]+)"?$/i.exec(word) ?? [];
    return owner === undefined ? [] : [owner];
  });
}
