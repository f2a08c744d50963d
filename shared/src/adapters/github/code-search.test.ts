import { describe, expect, test } from "vitest";
import { fakeGitHub, type FakeCall } from "./testing/fake-github.ts";
import { nodeOf } from "./testing/fake-search.ts";

const query = { organization: "acme", query: "filename:pom.xml log4j", files: ["README.md"] };
const item = (name: string, path: string) => ({ path, repository: { node_id: `R_${name}` } });

/** Answers the code search page by page, and says which of the files are still there. */
function fakeCodeSearch(
  pages: readonly (readonly ReturnType<typeof item>[])[],
  options: { readonly total?: number; readonly there?: (path: string) => boolean; readonly incomplete?: boolean } = {},
) {
  const { total = pages.flat().length, there = () => true, incomplete = false } = options;
  return {
    "GET /search/code": ({ url }: FakeCall) => ({
      body: {
        total_count: total,
        incomplete_results: incomplete,
        items: pages[Number(url.searchParams.get("page")) - 1] ?? [],
      },
    }),
    "POST /graphql": ({ body }: FakeCall) => {
      // The body is what the code host under test has sent.
      const { variables } = body as { variables: Record<string, string> };
      const ids = Object.entries(variables).filter(([name]) => /^n\d+$/.test(name));
      const nodes = ids.map(([name, id], index) => {
        const paths = Object.entries(variables).filter(([each]) => each.startsWith(`p${index}x`));
        const hits = paths.map(([, path], hit) => [
          `h${hit}`,
          there(path.replace("HEAD:", "")) ? { __typename: "Blob" } : null,
        ]);
        const node = {
          ...nodeOf({ name: id.replace("R_", "") }),
          f0: { __typename: "Blob" },
          ...Object.fromEntries(hits),
        };
        return [name.replace("n", "c"), node];
      });
      return { body: { data: { rateLimit: null, ...Object.fromEntries(nodes) } } };
    },
  };
}

describe("a code search", () => {
  test("shows each repository of a page once, with its files, and confirms all of them at once", async () => {
    const items = [item("r1", "pom.xml"), item("r1", "web/pom.xml"), item("r2", "pom.xml")];
    const { codeHost, asked } = fakeGitHub(fakeCodeSearch([items]));
    const page = await codeHost.codeSearchPage(query);
    expect(page).toMatchObject({ repositories: [{ name: "r1", presentFiles: ["README.md"] }, { name: "r2" }] });
    expect(page).not.toHaveProperty("nextCursor");
    expect(asked().map(({ url }) => url.pathname)).toEqual(["/search/code", "/graphql"]);
    expect(asked()[0]?.url.searchParams.get("q")).toBe("filename:pom.xml log4j user:acme");
  });

  test("tells those whose files are gone from those that it confirms", async () => {
    const routes = fakeCodeSearch([[item("r1", "gone.xml"), item("r1", "pom.xml"), item("r2", "gone.xml")]], {
      there: (path) => path === "pom.xml",
    });
    const page = await fakeGitHub(routes).codeHost.codeSearchPage(query);
    expect(page).toMatchObject({ repositories: [{ name: "r1" }], unconfirmed: [{ name: "r2" }] });
  });

  test("goes on from page to page", async () => {
    const many = (from: number) => Array.from({ length: 100 }, (_, index) => item(`r${from + index}`, "pom.xml"));
    const routes = fakeCodeSearch([many(0), many(100), [item("r200", "pom.xml")]]);
    const names: string[] = [];
    for (let cursor: string | undefined; ;) {
      const { codeHost } = fakeGitHub(routes);
      const page = await codeHost.codeSearchPage({ ...query, ...(cursor && { cursor }) });
      names.push(...page.repositories.map(({ name }) => name));
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    expect(new Set(names).size).toBe(201);
  });

  test("reads on when the count shrinks on the way", async () => {
    const many = Array.from({ length: 100 }, (_, index) => item(`r${index}`, "pom.xml"));
    const first = fakeGitHub(fakeCodeSearch([many], { total: 250 }));
    const { nextCursor = "" } = await first.codeHost.codeSearchPage(query);
    const second = fakeGitHub(fakeCodeSearch([many, many, [item("last", "pom.xml")]], { total: 150 }));
    const page = await second.codeHost.codeSearchPage({ ...query, cursor: nextCursor });
    expect(page).toHaveProperty("nextCursor");
  });

  test("is refused when it finds more than GitHub shows", async () => {
    const { codeHost } = fakeGitHub(fakeCodeSearch([[]], { total: 1001 }));
    await expect(codeHost.codeSearchPage(query)).rejects.toThrow(/finds 1001 files in acme.*Narrow it/);
  });

  test("takes no part of the hits for all of them", async () => {
    const { codeHost } = fakeGitHub(fakeCodeSearch([[item("r1", "pom.xml")]], { incomplete: true }));
    await expect(codeHost.codeSearchPage(query)).rejects.toMatchObject({ name: "CodeHostUnavailable" });
  });
});
