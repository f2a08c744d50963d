import { describe, expect, it } from "vitest";
import { aBranch, anOrganization, aPullRequest, expectNoViolations, one, refusal } from "../testing/an-organization.ts";
import { openApiMissing } from "../validation/openapi-document.ts";

const missing = await openApiMissing();
const pull = "/repos/{owner}/{repo}/pulls/{pull_number}";

describe.skipIf(missing !== undefined)(`Pull requests ${missing ?? ""}`, () => {
  it("opens one a branch, refusing duplicates, unknown branches and branches without commits", async () => {
    const scene = await anOrganization();
    const { octokit, github } = scene;
    await aPullRequest(scene, "change");
    const open = (head: string, base = "main") =>
      refusal(octokit.request("POST /repos/{owner}/{repo}/pulls", { ...one, title: "T", head, base }));
    expect(await open("acme:change")).toContain("A pull request already exists for acme:change.");
    expect(await open("main")).toContain("No commits between main and main");
    expect(await open("nowhere")).toContain('"field":"head","code":"invalid"');
    expect(await open("change", "nowhere")).toContain('"field":"base","code":"invalid"');
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/pulls", {
      ...one,
      head: "acme:change",
      state: "all",
    });
    expect(data.map(({ number }) => number)).toEqual([1]);
    expectNoViolations(github);
  });

  it("knows whether it merges from the second question on, and merges for real", async () => {
    const scene = await anOrganization();
    const { octokit, github } = scene;
    const number = await aPullRequest(scene);
    const read = async () => (await octokit.request(`GET ${pull}`, { ...one, pull_number: number })).data;
    expect((await read()).mergeable).toBe(null);
    expect((await read()).mergeable).toBe(true);
    await github.pushCommit("acme/one", { branch: "main", files: { "new.txt": "other\n" } });
    expect((await read()).mergeable).toBe(null);
    expect((await read()).mergeable_state).toBe("dirty");
    const merge = () => octokit.request(`PUT ${pull}/merge`, { ...one, pull_number: number, merge_method: "squash" });
    expect(await refusal(merge())).toBe("405 Pull Request is not mergeable");
    await github.pushCommit("acme/one", { branch: "main", files: { "new.txt": null } });
    const { data } = await merge();
    expect(data.merged).toBe(true);
    expect(await read()).toMatchObject({ merged: true, state: "closed", merge_commit_sha: data.sha });
    expectNoViolations(github);
  });

  it("rebases commit by commit onto a base that has moved", async () => {
    const scene = await anOrganization();
    const number = await aPullRequest(scene);
    await scene.github.pushCommit("acme/one", { branch: "change", files: { "second.txt": "2\n" }, message: "Second" });
    await scene.github.pushCommit("acme/one", { branch: "main", files: { "main.txt": "m\n" } });
    await scene.github.mergePullRequest("acme/one", number, { method: "rebase" });
    await scene.git("clone", "--quiet", scene.cloneUrl(await scene.token()), "work");
    expect(await scene.git("-C", "work", "log", "--format=%s", "-3")).toBe("Second\nAdd new.txt\nChange by hand\n");
    expect(await scene.git("-C", "work", "ls-files")).toContain("main.txt\nnew.txt\nsecond.txt\n");
  });

  it("cannot be reopened after its branch was force-pushed while it was closed", async () => {
    const scene = await anOrganization();
    const { octokit, github } = scene;
    const number = await aPullRequest(scene);
    const set = (state: "open" | "closed") => octokit.request(`PATCH ${pull}`, { ...one, pull_number: number, state });
    await set("closed");
    expect((await set("open")).data.state).toBe("open");
    await set("closed");
    await github.pushCommit("acme/one", { branch: "change", amend: true, files: { "new.txt": "amended\n" } });
    expect(await refusal(set("open"))).toContain("was force-pushed or recreated");
    expectNoViolations(github);
  });

  it("is closed when its branch is deleted", async () => {
    const scene = await anOrganization();
    const number = await aPullRequest(scene);
    await scene.github.deleteBranch("acme/one", "change");
    expect(scene.github.pullRequest("acme/one", number).state).toBe("closed");
  });

  it("makes missing labels, ignores who cannot push, and fails all reviewers for one that is wrong", async () => {
    const scene = await anOrganization();
    const { octokit, github } = scene;
    const number = await aPullRequest(scene);
    for (const login of ["ann", "bob"]) github.addUser(login);
    github.addCollaborator("acme/one", "ann");
    const issue = { ...one, issue_number: number };
    const labels = await octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/labels", {
      ...issue,
      labels: ["x", "y"],
    });
    expect(labels.data.map(({ name }) => name)).toEqual(["x", "y"]);
    const assigned = await octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/assignees", {
      ...issue,
      assignees: ["ann", "bob"],
    });
    expect(assigned.data.assignees?.map(({ login }) => login)).toEqual(["ann"]);
    const ask = (reviewers: string[]) =>
      octokit.request(`POST ${pull}/requested_reviewers`, { ...one, pull_number: number, reviewers });
    expect(await refusal(ask(["ann", "bob"]))).toMatch(/^422 Reviews may only be requested from collaborators/);
    expect(github.pullRequest("acme/one", number).reviewers.size).toBe(0);
    expect((await ask(["ann"])).status).toBe(201);
    const files = await octokit.request(`GET ${pull}/files`, { ...one, pull_number: number });
    expect(files.data).toMatchObject([{ filename: "new.txt", status: "added", additions: 1 }]);
    await octokit.request(`GET ${pull}/commits`, { ...one, pull_number: number });
    expectNoViolations(github);
  });

  it("logs what was a write and what was not", async () => {
    const scene = await anOrganization();
    await scene.octokit.request("GET /repos/{owner}/{repo}", one);
    expect(scene.github.requests.filter(({ isWrite }) => isWrite)).toEqual([]);
    await aBranch(scene, "x");
    const written = scene.github.requests.filter(({ isWrite }) => isWrite).map(({ operationId }) => operationId);
    expect(written).toEqual(["git/create-tree", "git/create-commit", "git/create-ref"]);
  });
});
