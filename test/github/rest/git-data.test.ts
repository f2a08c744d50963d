import { describe, expect, it } from "vitest";
import { aBranch, anOrganization, expectNoViolations, one, refusal } from "../testing/an-organization.ts";
import { openApiMissing } from "../validation/openapi-document.ts";

const missing = await openApiMissing();

describe.skipIf(missing !== undefined)(`Git Data ${missing ?? ""}`, () => {
  it("makes a commit that git itself accepts and that is signed for an App without identity", async () => {
    const scene = await anOrganization();
    const sha = await aBranch(scene, "campaign/x");
    const { data } = await scene.octokit.request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", {
      ...one,
      commit_sha: sha,
    });
    expect(data.verification).toMatchObject({ verified: true, reason: "valid" });
    expect(data.author.name).toBe("octobatch[bot]");
    await scene.git("clone", "--quiet", "--branch", "campaign/x", scene.cloneUrl(await scene.token()), "work");
    expect(await scene.git("-C", "work", "fsck", "--strict")).toBe("");
    expect(await scene.git("-C", "work", "ls-files")).toBe("README.md\nnew.txt\nsrc/a.js\n");
    expectNoViolations(scene.github);
  });

  it("gives the same commit for the same identity and date, unsigned", async () => {
    const scene = await anOrganization();
    const { data: ref } = await scene.octokit.request("GET /repos/{owner}/{repo}/git/ref/{ref}", {
      ...one,
      ref: "heads/main",
    });
    const { data: base } = await scene.octokit.request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", {
      ...one,
      commit_sha: ref.object.sha,
    });
    const make = () =>
      scene.octokit.request("POST /repos/{owner}/{repo}/git/commits", {
        ...one,
        message: "Same",
        tree: base.tree.sha,
        parents: [base.sha],
        author: { name: "A", email: "a@example.org", date: "2024-02-03T04:05:06Z" },
      });
    const [first, second] = [await make(), await make()];
    expect(first.data.sha).toBe(second.data.sha);
    expect(first.data.verification).toMatchObject({ verified: false, reason: "unsigned" });
  });

  it("refuses trees that GitHub refuses", async () => {
    const { octokit } = await anOrganization();
    const { data: ref } = await octokit.request("GET /repos/{owner}/{repo}/git/ref/{ref}", {
      ...one,
      ref: "heads/main",
    });
    const make = (entry: object) =>
      refusal(
        octokit.request("POST /repos/{owner}/{repo}/git/trees", { ...one, base_tree: ref.object.sha, tree: [entry] }),
      );
    expect(await make({ path: "nope", mode: "100644", sha: null })).toMatch(/^422 /);
    expect(await make({ path: "a", mode: "100644", sha: ref.object.sha, content: "a" })).toMatch(
      /^422 Must supply either/,
    );
    expect(await make({ path: "../a", mode: "100644", content: "a" })).toMatch(/^422 tree.path/);
    expect(await make({ path: ".git/config", mode: "100644", content: "a" })).toMatch(/^422 tree.path/);
  });

  it("moves refs forward only, unless forced, and says what is wrong in GitHub's words", async () => {
    const scene = await anOrganization();
    const { octokit, github } = scene;
    const sha = await aBranch(scene, "x");
    const create = () => octokit.request("POST /repos/{owner}/{repo}/git/refs", { ...one, ref: "refs/heads/x", sha });
    expect(await refusal(create())).toBe("422 Reference already exists");
    const { data: main } = await octokit.request("GET /repos/{owner}/{repo}/git/ref/{ref}", {
      ...one,
      ref: "heads/main",
    });
    const back = (force: boolean) =>
      octokit.request("PATCH /repos/{owner}/{repo}/git/refs/{ref}", {
        ...one,
        ref: "heads/x",
        sha: main.object.sha,
        force,
      });
    expect(await refusal(back(false))).toBe("422 Update is not a fast forward");
    expect((await back(true)).status).toBe(200);
    await octokit.request("DELETE /repos/{owner}/{repo}/git/refs/{ref}", { ...one, ref: "heads/x" });
    const gone = octokit.request("DELETE /repos/{owner}/{repo}/git/refs/{ref}", { ...one, ref: "heads/x" });
    expect(await refusal(gone)).toBe("422 Reference does not exist");
    await aBranch(scene, "foo");
    const clash = octokit.request("POST /repos/{owner}/{repo}/git/refs", { ...one, ref: "refs/heads/foo/bar", sha });
    expect(await refusal(clash)).toBe("422 Reference update failed");
    expectNoViolations(github);
  });

  it("refuses writes to archived and empty repositories and to protected branches", async () => {
    const scene = await anOrganization();
    const { octokit, github } = scene;
    await github.addRepository({ owner: "acme", name: "empty", empty: true });
    const blob = (repo: string) =>
      octokit.request("POST /repos/{owner}/{repo}/git/blobs", { owner: "acme", repo, content: "x" });
    expect(await refusal(blob("empty"))).toBe("409 Git Repository is empty.");
    const sha = await aBranch(scene, "x");
    github.setBranchProtection("acme/one", "main", { requiredApprovals: 1 });
    const push = octokit.request("PATCH /repos/{owner}/{repo}/git/refs/{ref}", { ...one, ref: "heads/main", sha });
    expect(await refusal(push)).toMatch(/^422 Protected branch update failed for refs\/heads\/main/);
    const { data: rules } = await octokit.request("GET /repos/{owner}/{repo}/rules/branches/{branch}", {
      ...one,
      branch: "main",
    });
    expect(rules.map(({ type }) => type)).toEqual(["deletion", "non_fast_forward", "pull_request"]);
    await github.archive("acme/one");
    expect(await refusal(blob("one"))).toBe("403 Repository was archived so is read-only.");
    expectNoViolations(github);
  });

  it("refuses a new workflow without the permission for workflows", async () => {
    const { octokit } = await anOrganization();
    const { data: ref } = await octokit.request("GET /repos/{owner}/{repo}/git/ref/{ref}", {
      ...one,
      ref: "heads/main",
    });
    const { data: tree } = await octokit.request("POST /repos/{owner}/{repo}/git/trees", {
      ...one,
      base_tree: ref.object.sha,
      tree: [{ path: ".github/workflows/ci.yml", mode: "100644", content: "on: push\n" }],
    });
    const parents = [ref.object.sha];
    const { data: commit } = await octokit.request("POST /repos/{owner}/{repo}/git/commits", {
      ...one,
      message: "CI",
      tree: tree.sha,
      parents,
    });
    const create = octokit.request("POST /repos/{owner}/{repo}/git/refs", {
      ...one,
      ref: "refs/heads/ci",
      sha: commit.sha,
    });
    expect(await refusal(create)).toMatch(/^403 refusing to allow a GitHub App to create or update workflow/);
  });
});
