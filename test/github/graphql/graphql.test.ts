import { describe, expect, it } from "vitest";
import { GraphqlResponseError } from "@octokit/graphql";
import { aBranch, anOrganization, aPullRequest } from "../testing/an-organization.ts";

const zero = "0".repeat(40);

/** The first error of a refused request. */
async function errorOf(request: Promise<unknown>): Promise<unknown> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof GraphqlResponseError)) throw new Error("It was not refused by GraphQL.", { cause: error });
  return error.errors?.[0];
}

describe("GraphQL over the official schema", () => {
  it("pages through an organization without losing or repeating a repository", async () => {
    const { github, octokit } = await anOrganization({ validate: false });
    for (let number = 0; number < 6; number += 1) await github.addRepository({ owner: "acme", name: `r${number}` });
    const names: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const query = `query($after: String) { organization(login: "acme") { repositories(first: 3, after: $after, orderBy: {field: NAME, direction: ASC}) {
        nodes { name } pageInfo { hasNextPage endCursor } } } }`;
      const page: {
        organization: {
          repositories: { nodes: { name: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
        };
      } = await octokit.graphql(query, { after });
      names.push(...page.organization.repositories.nodes.map(({ name }) => name));
      more = page.organization.repositories.pageInfo.hasNextPage;
      after = page.organization.repositories.pageInfo.endCursor;
    }
    expect(names).toEqual(["one", "r0", "r1", "r2", "r3", "r4", "r5"]);
  });

  it("answers what selection reads, also for a repository without a commit", async () => {
    const { github, octokit } = await anOrganization({ validate: false });
    await github.addRepository({
      owner: "acme",
      name: "empty",
      empty: true,
      archived: true,
      topics: ["a"],
      language: "Go",
      visibility: "public",
    });
    const fields = `id isEmpty isArchived isLocked lockReason visibility primaryLanguage { name } defaultBranchRef { name target { oid } }
      repositoryTopics(first: 10) { nodes { topic { name } } } readme: object(expression: "HEAD:README.md") { ... on Blob { text } }`;
    const query = `{ one: repository(owner: "acme", name: "one") { ${fields} } empty: repository(owner: "acme", name: "empty") { ${fields} } }`;
    expect(await octokit.graphql(query)).toMatchObject({
      one: { isEmpty: false, readme: { text: "hello\n" }, defaultBranchRef: { name: "main" }, visibility: "PRIVATE" },
      empty: {
        isEmpty: true,
        isArchived: true,
        defaultBranchRef: null,
        readme: null,
        primaryLanguage: { name: "Go" },
        repositoryTopics: { nodes: [{ topic: { name: "a" } }] },
      },
    });
  });

  it("searches by qualifiers and leaves forks out unless asked", async () => {
    const { github, octokit } = await anOrganization({ validate: false });
    await github.addRepository({
      owner: "acme",
      name: "tool",
      topics: ["cli"],
      language: "TypeScript",
      createdAt: new Date("2020-05-05"),
    });
    await github.addRepository({ owner: "acme", name: "fork", topics: ["cli"], fork: true });
    const search = async (text: string): Promise<unknown> => {
      const document = `query($text: String!) { search(type: REPOSITORY, query: $text, first: 10) { repositoryCount nodes { ... on Repository { name } } } }`;
      const found: { search: { nodes: { name: string }[] } } = await octokit.graphql(document, { text });
      return found.search.nodes.map(({ name }) => name);
    };
    expect(await search("org:acme topic:cli")).toEqual(["tool"]);
    expect(await search("org:acme topic:cli fork:true")).toEqual(["tool", "fork"]);
    expect(await search("org:acme created:2020-01-01..2020-12-31 language:typescript")).toEqual(["tool"]);
    expect(await search("org:acme -topic:cli is:private")).toEqual(["one"]);
    expect(await search("org:nobody")).toEqual([]);
  });

  it("moves refs by compare-and-swap, all or none", async () => {
    const scene = await anOrganization({ validate: false });
    const { octokit, github } = scene;
    const sha = await aBranch(scene, "x");
    const { nodeId: repositoryId, git } = github.repository("acme/one");
    const main = (await git.branchHead("main")) ?? "";
    const update = (...refUpdates: object[]) =>
      octokit.graphql(`mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }`, {
        input: { repositoryId, refUpdates },
      });
    const create = { name: "refs/heads/y", beforeOid: zero, afterOid: sha };
    expect(await errorOf(update(create, { name: "refs/heads/x", beforeOid: main, afterOid: main }))).toMatchObject({
      type: "STALE_DATA",
    });
    expect(await git.branchHead("y")).toBe(undefined);
    await update(create);
    expect(await errorOf(update(create))).toMatchObject({ type: "UNPROCESSABLE" });
    expect(await errorOf(update({ name: "refs/heads/y", beforeOid: sha, afterOid: main }))).toMatchObject({
      message: "Update is not a fast forward",
    });
    await update({ name: "refs/heads/y", beforeOid: sha, afterOid: zero });
    expect(await git.branchHead("y")).toBe(undefined);
  });

  it("creates, drafts, merges and reads pull requests by node id", async () => {
    const scene = await anOrganization({ validate: false });
    const { octokit, github } = scene;
    await aBranch(scene, "x");
    const { nodeId: repositoryId } = github.repository("acme/one");
    const input = { repositoryId, title: "T", headRefName: "x", baseRefName: "main", draft: true };
    const create = () =>
      octokit.graphql<{ createPullRequest: { pullRequest: { id: string } } }>(
        `mutation($input: CreatePullRequestInput!) { createPullRequest(input: $input) { pullRequest { id number isDraft } } }`,
        { input },
      );
    const { id } = (await create()).createPullRequest.pullRequest;
    expect(await errorOf(create())).toMatchObject({
      type: "UNPROCESSABLE",
      message: "A pull request already exists for acme:x.",
    });
    await octokit.graphql(
      `mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }`,
      { id },
    );
    await octokit.graphql(
      `mutation($id: ID!) { mergePullRequest(input: {pullRequestId: $id}) { pullRequest { state } } }`,
      { id },
    );
    const read = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequest { state mergedBy { login } } } }`;
    expect(await octokit.graphql(read, { ids: [id] })).toMatchObject({
      nodes: [{ state: "MERGED", mergedBy: { login: "octobatch" } }],
    });
  });

  it("commits on a branch only where its head is expected", async () => {
    const { octokit, github } = await anOrganization({ validate: false });
    const head = (await github.repository("acme/one").git.branchHead("main")) ?? "";
    const commit = (expectedHeadOid: string) =>
      octokit.graphql(
        `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { signature { isValid } } } }`,
        {
          input: {
            branch: { repositoryNameWithOwner: "acme/one", branchName: "main" },
            message: { headline: "H" },
            expectedHeadOid,
            fileChanges: { additions: [{ path: "a.txt", contents: Buffer.from("a").toString("base64") }] },
          },
        },
      );
    expect(await commit(head)).toMatchObject({ createCommitOnBranch: { commit: { signature: { isValid: true } } } });
    expect(await errorOf(commit(head))).toMatchObject({ type: "STALE_DATA" });
  });

  it("refuses as GitHub does: unknown things, missing permissions, bounds, fields without an answer", async () => {
    const scene = await anOrganization({ validate: false });
    const { octokit, github } = scene;
    await aPullRequest(scene);
    expect(await errorOf(octokit.graphql(`{ repository(owner: "acme", name: "no") { id } }`))).toMatchObject({
      type: "NOT_FOUND",
      path: ["repository"],
      message: "Could not resolve to a Repository with the name of 'acme/no'.",
    });
    const list = (first: number) =>
      octokit.graphql(`{ organization(login: "acme") { repositories(first: ${first}) { totalCount } } }`);
    expect(await errorOf(list(101))).toMatchObject({ type: "EXCESSIVE_PAGINATION" });
    expect(await errorOf(list(0))).toMatchObject({ message: expect.stringContaining("1-100") });
    expect(await errorOf(octokit.graphql(`{ repository(owner: "acme", name: "one") { nonsense } }`))).toMatchObject({
      message: expect.stringContaining("nonsense"),
    });
    github.setPermissions("acme", { contents: "read", pull_requests: "read" });
    const token = await scene.token();
    const response = await fetch(`${github.url}/api/graphql`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({
        query: `mutation($id: ID!) { closePullRequest(input: {pullRequestId: $id}) { clientMutationId } }`,
        variables: { id: github.pullRequest("acme/one", 1).nodeId },
      }),
    });
    expect(await response.json()).toMatchObject({
      data: { closePullRequest: null },
      errors: [{ type: "FORBIDDEN", path: ["closePullRequest"], message: "Resource not accessible by integration" }],
    });
  });
});
