import { describe, expect, test } from "vitest";
import { CodeHostRefused, type RepositoryPage } from "../../ports/code-host.ts";
import { fakeGitHub, fakeNow } from "./testing/fake-github.ts";
import { fakeSearch, type FakeHit } from "./testing/fake-search.ts";

const query = { organization: "acme", search: "org:acme", files: [] };

/** Days before the fake's now. */
const daysAgo = (days: number) => new Date(fakeNow.getTime() - days * 86_400_000).toISOString().slice(0, 10);

/** Repositories made all the time, many of them on the day when everything was moved to GitHub. */
const manyHits: readonly FakeHit[] = [
  ...Array.from({ length: 2000 }, (_, index) => ({ created: daysAgo((index * 7) % 4000), sizeKb: index })),
  ...Array.from({ length: 2200 }, (_, index) => ({ created: "2024-06-01", sizeKb: (index * index) % 9000 })),
].map((hit, index) => ({ ...hit, name: `r${index + 1}` }));

async function pages(next: (cursor: string | undefined) => Promise<RepositoryPage>): Promise<readonly string[]> {
  const names: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await next(cursor);
    names.push(...page.repositories.map(({ name }) => name));
    if (page.nextCursor === undefined) return names;
    cursor = page.nextCursor;
  }
}

describe("a repository search", () => {
  test("with 4,200 hits shows 4,200 distinct repositories", async () => {
    const { codeHost, asked } = fakeGitHub({ "POST /graphql": fakeSearch(manyHits) });
    const names = await pages((cursor) => codeHost.searchPage({ ...query, ...(cursor && { cursor }) }));
    expect(names).toHaveLength(4200);
    expect(new Set(names).size).toBe(4200);
    expect(asked().length).toBeLessThan(80);
  });

  test("goes on where it was, in another process, after each page", async () => {
    const names = await pages((cursor) => {
      const { codeHost } = fakeGitHub({ "POST /graphql": fakeSearch(manyHits) });
      return codeHost.searchPage({ ...query, ...(cursor && { cursor }) });
    });
    expect(new Set(names).size).toBe(4200);
    expect(names).toHaveLength(4200);
  });

  test("is asked for as it was written as long as GitHub shows all of it", async () => {
    const hits = manyHits.slice(0, 130);
    const { codeHost, asked } = fakeGitHub({ "POST /graphql": fakeSearch(hits) });
    const search = "org:acme  created:>2000-01-01";
    const names = await pages((cursor) => codeHost.searchPage({ ...query, search, ...(cursor && { cursor }) }));
    expect(names).toHaveLength(130);
    expect(asked().map(({ body }) => body)).toMatchObject([{ variables: { search } }, { variables: { search } }]);
  });

  test("keeps within the days and sizes that it asks for", async () => {
    const { codeHost } = fakeGitHub({ "POST /graphql": fakeSearch(manyHits) });
    const search = "org:acme created:2024-06-01 size:<5000";
    const names = await pages((cursor) => codeHost.searchPage({ ...query, search, ...(cursor && { cursor }) }));
    const expected = manyHits.filter(({ created, sizeKb }) => created === "2024-06-01" && sizeKb < 5000);
    expect(names.toSorted()).toEqual(expected.map(({ name }) => name).toSorted());
  });

  test("loses nothing when hits are added while it is paged", async () => {
    const hits = manyHits.slice(0, 990);
    const { codeHost } = fakeGitHub({ "POST /graphql": fakeSearch(hits) });
    let page = 0;
    const names = await pages((cursor) => {
      page += 1;
      if (page === 3) hits.push(...manyHits.slice(990, 1100));
      return codeHost.searchPage({ ...query, ...(cursor && { cursor }) });
    });
    expect(new Set(names).size).toBe(1100);
  });

  test("is refused by name when a slice cannot be cut any further", async () => {
    const twins = Array.from({ length: 1001 }, (_, index) => ({ name: `r${index}`, created: "2024-06-01", sizeKb: 1 }));
    const { codeHost } = fakeGitHub({ "POST /graphql": fakeSearch(twins) });
    const refused = codeHost.searchPage(query);
    await expect(refused).rejects.toBeInstanceOf(CodeHostRefused);
    await expect(refused).rejects.toThrow(/"org:acme".*org:acme created:2024-06-01\.\.2024-06-01 size:1\.\.1/);
  });

  test("is refused when GitHub could not be asked for its parts", async () => {
    const { codeHost } = fakeGitHub({ "POST /graphql": fakeSearch(manyHits) });
    const search = "org:acme created:>2001-01-01T10:00:00Z";
    const refused = codeHost.searchPage({ ...query, search });
    await expect(refused).rejects.toThrow("created:>2001-01-01T10:00:00Z");
  });

  test("does not go on from a cursor of something else", async () => {
    const { codeHost } = fakeGitHub({ "POST /graphql": fakeSearch([]) });
    const refused = codeHost.searchPage({ ...query, cursor: "Y3Vyc29yOjEwMA==" });
    await expect(refused).rejects.toMatchObject({ kind: "invalid" });
  });
});
