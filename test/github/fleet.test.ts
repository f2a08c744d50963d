import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TemplatedRepository } from "./git/templated-repository.ts";
import { git } from "./git/run-git.ts";
import { askAs } from "./testing/ask.ts";
import { anOrganization } from "./testing/an-organization.ts";

describe("many repositories", () => {
  it("take no room on disk until they are written to, and answer all the same", async () => {
    const { github, directory } = await anOrganization({ validate: false });
    const added = await github.addRepositories(5_000, {
      owner: "acme",
      files: [{ "package.json": "{}\n", Dockerfile: "FROM node\n" }, { "go.mod": "module a\n" }],
      traits: (index) => ({ topics: ["fleet"], sizeKb: index }),
    });
    const ask = askAs(github, github.installationToken("acme"));
    const query = `query($after: String) { organization(login: "acme") { repositories(first: 100, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { name isEmpty defaultBranchRef { name target { oid } } node: object(expression: "HEAD:package.json") { oid } go: object(expression: "main:go.mod") { oid } } } } }`;
    interface Node {
      readonly name: string;
      readonly isEmpty: boolean;
      readonly node: object | null;
      readonly go: object | null;
    }
    const nodes: Node[] = [];
    for (let after: string | null = null, more = true; more;) {
      const body = (await ask({ query, variables: { after } })).body as {
        data: {
          organization: { repositories: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
        };
      };
      const { nodes: page, pageInfo } = body.data.organization.repositories;
      nodes.push(...page);
      [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
    }
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(5_001);
    const kinds = nodes.slice(1).map(({ node, go, isEmpty }) => [node !== null, go !== null, isEmpty].join(" "));
    expect(new Set(kinds)).toEqual(new Set(["true false false", "false true false"]));
    expect(await readdir(join(directory, "fleet"))).toHaveLength(2);
    expect(added[4_999]?.name).toBe("repository-04999");
  });

  it("become real when somebody writes to one, and only that one", async () => {
    const { github, directory, git, cloneUrl, octokit } = await anOrganization({ validate: false });
    const [first, second, third] = await github.addRepositories(3, { owner: "acme", files: { "a.txt": "a\n" } });
    const head = await first?.git.branchHead("main");
    await git("clone", cloneUrl(github.installationToken("acme"), "acme/repository-00001"), "clone");
    await git("-C", "clone", "commit", "--allow-empty", "-m", "Mine");
    await git("-C", "clone", "push", "origin", "HEAD:refs/heads/mine", "HEAD:main");
    await github.pushCommit("acme/repository-00000", { branch: "change", files: { "b.txt": "b\n" } });
    const repository = { owner: "acme", repo: "repository-00000" };
    const { data } = await octokit.request("POST /repos/{owner}/{repo}/pulls", {
      ...repository,
      title: "A",
      head: "change",
      base: "main",
    });
    expect(data).toMatchObject({ number: 1, changed_files: 1, base: { sha: head } });
    await github.mergePullRequest("acme/repository-00000", 1);
    expect(await readdir(join(directory, "fleet"))).toHaveLength(3);
    const file = async (path: string): Promise<unknown> =>
      (await first?.git.read(`HEAD:${path}`))?.content.toString("utf8");
    expect([await file("a.txt"), await file("b.txt"), await file("c.txt")]).toEqual(["a\n", "b\n", undefined]);
    expect((await second?.git.refs("refs/heads/"))?.map(({ name }) => name)).toEqual([
      "refs/heads/main",
      "refs/heads/mine",
    ]);
    expect(await second?.git.branchHead("main")).not.toBe(head);
    expect(await third?.git.branchHead("main")).toBe(head);
    expect(third?.git instanceof TemplatedRepository && third.git.isOnDisk).toBe(false);
  });

  it("keep git's rules for refs: none below another, none moved that is elsewhere, all or none", async () => {
    const { github } = await anOrganization({ validate: false });
    const [repository] = await github.addRepositories(1, { owner: "acme" });
    const ask = askAs(github, github.installationToken("acme"));
    const head = await repository?.git.branchHead("main");
    const update = async (
      ...refs: readonly (readonly [name: string, before: string, after: string])[]
    ): Promise<unknown> => {
      const updates = refs.map(([name, beforeOid, afterOid]) => ({ name: `refs/heads/${name}`, beforeOid, afterOid }));
      const query = `mutation($id: ID!, $updates: [RefUpdate!]!) { updateRefs(input: {repositoryId: $id, refUpdates: $updates}) { clientMutationId } }`;
      const { body } = await ask({ query, variables: { id: repository?.nodeId, updates } });
      return (body as { errors?: { message: string }[] }).errors?.[0]?.message ?? "done";
    };
    const branches = async (): Promise<unknown> =>
      ((await ask("/repos/acme/repository-00000/branches")).body as { name: string }[]).map(({ name }) => name);
    const [none, main] = ["0".repeat(40), head ?? ""];
    expect(await update(["a/b", none, main], ["c", none, main])).toBe("done");
    expect(await update(["d", none, main], ["a", none, main])).toBe("Reference update failed");
    expect(await update(["main/x", none, main])).toBe("Reference update failed");
    expect(await update(["c", none, main])).toMatch(/already exists/);
    expect(await branches()).toEqual(["a/b", "c", "main"]);
    expect(await update(["a/b", main, none])).toBe("done");
    expect(await update(["a", none, main])).toBe("done");
    expect(await branches()).toEqual(["a", "c", "main"]);
    await git(["pack-refs", "--all"], { directory: repository?.git.directory ?? "" });
    expect(await update(["c", main, none], ["e", none, main])).toBe("done");
    expect(await branches()).toEqual(["a", "e", "main"]);
  });
});
