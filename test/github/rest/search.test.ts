import { describe, expect, it } from "vitest";
import { askAs } from "../testing/ask.ts";
import { anOrganization, expectNoViolations, refusal } from "../testing/an-organization.ts";
import { openApiMissing } from "../validation/openapi-document.ts";

const missing = await openApiMissing();
const day = (text: string): Date => new Date(`2024-${text}Z`);

describe.skipIf(missing !== undefined)(`search ${missing ?? ""}`, () => {
  it("finds repositories by when they were made and how large they are", async () => {
    const { github, octokit } = await anOrganization();
    const made = {
      old: day("01-31T23:59:59"),
      early: day("02-01T00:00:00"),
      late: day("02-29T23:59:59"),
      next: day("03-01T00:00:00"),
    };
    for (const [index, [name, createdAt]] of Object.entries(made).entries())
      await github.addRepository({ owner: "acme", name, createdAt, sizeKb: index });
    const names = async (q: string): Promise<string> => {
      const { data } = await octokit.request("GET /search/repositories", { q: `org:acme ${q}` });
      return data.items.map(({ name }) => name).join(" ");
    };
    expect(await names("created:2024-02-01..2024-02-29")).toBe("early late");
    expect(await names("created:2024-02-01T00:00:00Z..2024-02-29T23:59:59Z")).toBe("early late");
    // Octokit takes the + of `q` for a blank.
    const inBerlin = `org:acme created:2024-02-01T01:00:00+01:00..2024-02-01T01:00:00+01:00`;
    const ask = askAs(github, github.installationToken("acme"));
    const found = await ask(`/search/repositories?${new URLSearchParams({ q: inBerlin }).toString()}`);
    expect(found.body).toMatchObject({ items: [{ name: "early" }] });
    expect(await names("created:<2024-02-01")).toBe("old");
    expect(await names("created:*..2024-01-31 size:0")).toBe("old");
    expect(await names("created:<=2024-12-31 size:2..*")).toBe("late next");
    expect(await names("created:<2025-01-01 size:>0 sort:updated-desc")).toBe("next late early");
    expect(await refusal(names("created:tomorrow"))).toMatch(/^422 Validation Failed/);
    expectNoViolations(github);
  });

  it("shows no more than a thousand of its hits", async () => {
    const { github } = await anOrganization();
    await github.addRepositories(1_100, { owner: "acme" });
    const ask = askAs(github, github.installationToken("acme"));
    const page = (number: number): ReturnType<typeof ask> =>
      ask(`/search/repositories?q=org:acme&per_page=100&page=${number}`);
    expect((await page(10)).body).toMatchObject({
      total_count: 1_101,
      incomplete_results: false,
      items: { length: 100 },
    });
    expect((await page(10)).headers.get("link")).not.toContain('rel="next"');
    expect(await page(11)).toMatchObject({
      status: 422,
      body: { message: "Only the first 1000 search results are available" },
    });
    const query = `query($after: String) { search(type: REPOSITORY, query: "org:acme", first: 100, after: $after) { repositoryCount pageInfo { hasNextPage endCursor } nodes { ... on Repository { id } } } }`;
    interface Found {
      readonly data: {
        search: {
          repositoryCount: number;
          nodes: { id: string }[];
          pageInfo: { hasNextPage: boolean; endCursor: string };
        };
      };
    }
    const ids: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { search }: Found["data"] = ((await ask({ query, variables: { after } })).body as Found).data;
      expect(search.repositoryCount).toBe(1_101);
      ids.push(...search.nodes.map(({ id }) => id));
      [after, more] = [search.pageInfo.endCursor, search.pageInfo.hasNextPage];
    }
    expect(new Set(ids).size).toBe(1_000);
    expectNoViolations(github);
  });

  it("finds code in default branches, in small files, of what the token reaches", async () => {
    const { github, octokit } = await anOrganization();
    const files = {
      "package.json": '{"dependencies": {"left-pad": "1"}}\n',
      "src/large.js": `left-pad${" ".repeat(400_000)}`,
    };
    await github.addRepository({ owner: "acme", name: "user", files });
    await github.pushCommit("acme/one", { branch: "side", files: { "package.json": "left-pad\n" } });
    await github.addOrganization("other");
    await github.addRepository({ owner: "other", name: "hidden", files });
    const find = async (q: string): Promise<readonly string[]> => {
      const { data } = await octokit.request("GET /search/code", { q });
      expect(data).toMatchObject({ incomplete_results: false, total_count: data.items.length });
      return data.items.map(({ repository, path }) => `${repository.full_name} ${path}`);
    };
    expect(await find("left-pad org:acme")).toEqual(["acme/user package.json"]);
    expect(await find("left-pad org:other")).toEqual([]);
    expect(await find("repo:acme/user filename:package.json")).toEqual(["acme/user package.json"]);
    expect(await find("path:src extension:js hello org:acme")).toEqual([]);
    expect(await refusal(find("org:acme"))).toMatch(/^422 .*unable to parse query/s);
    expect(await refusal(find("left-pad"))).toMatch(/^422 .*at least one user, organization, or repository/s);
    expectNoViolations(github);
  });

  it("may be behind what was pushed, and may be incomplete", async () => {
    const { github, octokit } = await anOrganization();
    const count = async (): Promise<number> =>
      (await octokit.request("GET /search/code", { q: "hello org:acme" })).data.total_count;
    expect(await count()).toBe(1);
    github.codeIndex.freeze();
    await github.pushCommit("acme/one", { branch: "main", files: { "README.md": "bye\n" } });
    expect(await count()).toBe(1);
    github.codeIndex.freeze(false);
    github.codeIndex.isIncomplete = true;
    const { data } = await octokit.request("GET /search/code", { q: "bye org:acme" });
    expect(data).toMatchObject({ total_count: 1, incomplete_results: true });
  });
});
