import { describe, expect, it } from "vitest";
import { anOrganization, aPullRequest } from "./testing/an-organization.ts";

describe("git over HTTP", () => {
  it("clones at depth 1 and fetches a commit that no branch points to", async () => {
    const scene = await anOrganization({ validate: false });
    const first = await scene.github.repository("acme/one").git.branchHead("main");
    await scene.github.pushCommit("acme/one", { branch: "main", files: { "b.txt": "b" } });
    const url = scene.cloneUrl(await scene.token({ permissions: { contents: "read" }, repositories: ["one"] }));
    await scene.git("clone", "--quiet", "--depth", "1", url, "work");
    await scene.git("-C", "work", "fetch", "--quiet", "--depth", "1", url, first ?? "");
    expect((await scene.git("-C", "work", "rev-parse", "FETCH_HEAD")).trim()).toBe(first);
  });

  it("lets nobody in without a token, and a token only into its own repositories", async () => {
    const scene = await anOrganization({ validate: false });
    await scene.github.addRepository({ owner: "acme", name: "two" });
    const token = await scene.token({ repositories: ["one"] });
    await expect(scene.git("clone", `${scene.github.url}/acme/one.git`, "a")).rejects.toThrow(
      "could not read Username",
    );
    await expect(scene.git("clone", scene.cloneUrl(token, "acme/two"), "b")).rejects.toThrow("not found");
  });

  it("refuses a push with a token that may only read, and one to a protected branch", async () => {
    const scene = await anOrganization({ validate: false });
    const write = scene.cloneUrl(await scene.token());
    const read = scene.cloneUrl(await scene.token({ permissions: { contents: "read" } }));
    await scene.git("clone", "--quiet", write, "work");
    await scene.git("-C", "work", "commit", "--quiet", "--allow-empty", "-m", "x");
    await expect(scene.git("-C", "work", "push", read, "HEAD:main")).rejects.toThrow("403");
    scene.github.setBranchProtection("acme/one", "main");
    await scene.git("-C", "work", "push", "--quiet", write, "HEAD:main");
    await scene.git("-C", "work", "commit", "--quiet", "--amend", "--allow-empty", "-m", "y");
    await expect(scene.git("-C", "work", "push", "--force", write, "HEAD:main")).rejects.toThrow("Cannot force-push");
    scene.github.setBranchProtection("acme/one", "main", { requiredApprovals: 1 });
    await expect(scene.git("-C", "work", "push", "--force", write, "HEAD:main")).rejects.toThrow("GH006");
    await scene.github.archive("acme/one");
    await expect(scene.git("-C", "work", "push", write, "HEAD:refs/heads/late")).rejects.toThrow("403");
  });

  it("refuses a pushed workflow without the permission", async () => {
    const scene = await anOrganization({ validate: false });
    const url = scene.cloneUrl(await scene.token());
    await scene.git("clone", "--quiet", url, "work");
    await scene.git(
      "-C",
      "work",
      "update-index",
      "--add",
      "--cacheinfo",
      "100644",
      (await scene.git("-C", "work", "rev-parse", "HEAD:README.md")).trim(),
      ".github/workflows/ci.yml",
    );
    await scene.git("-C", "work", "commit", "--quiet", "-m", "CI");
    await expect(scene.git("-C", "work", "push", url, "HEAD:refs/heads/ci")).rejects.toThrow(
      "without `workflows` permission",
    );
  });

  it("moves the pull request along with its branch", async () => {
    const scene = await anOrganization({ validate: false });
    const number = await aPullRequest(scene);
    const url = scene.cloneUrl(await scene.token());
    await scene.git("clone", "--quiet", "--branch", "change", url, "work");
    await scene.git("-C", "work", "commit", "--quiet", "--allow-empty", "-m", "x");
    await scene.git("-C", "work", "push", "--quiet", url, "HEAD:change");
    const head = (await scene.git("-C", "work", "rev-parse", "HEAD")).trim();
    expect(scene.github.pullRequest("acme/one", number).headOid).toBe(head);
    expect(await scene.git("ls-remote", url, `refs/pull/${number}/head`)).toContain(head);
  });
});
