import { describe, expect, it } from "vitest";
import { anOrganization, aBranch, one } from "../testing/an-organization.ts";

describe("the pages", () => {
  it("show repositories and a pull request with its diff, and escape what people wrote", async () => {
    const scene = await anOrganization({ validate: false });
    await aBranch(scene, "x", "<script>alert(1)</script>\n");
    await scene.octokit.request("POST /repos/{owner}/{repo}/pulls", {
      ...one,
      title: "<b>T",
      head: "x",
      base: "main",
      body: "<i>B",
    });
    const page = async (path: string): Promise<string> => (await fetch(`${scene.github.url}${path}`)).text();
    expect(await page("/")).toContain('href="/acme/one"');
    expect(await page("/acme/one")).toContain("README.md");
    const pull = await page("/acme/one/pull/1");
    expect(pull).toContain("+&lt;script&gt;alert(1)");
    expect(pull).toContain("&lt;b&gt;T");
    expect(pull).not.toContain("<script");
    expect((await fetch(`${scene.github.url}/acme/none`)).status).toBe(404);
  });

  it("merge, close and reopen by their buttons, but not from another site", async () => {
    const scene = await anOrganization({ validate: false });
    await aBranch(scene, "x");
    await scene.octokit.request("POST /repos/{owner}/{repo}/pulls", { ...one, title: "T", head: "x", base: "main" });
    const press = (action: string, origin?: string): Promise<Response> =>
      fetch(`${scene.github.url}/acme/one/pull/1/${action}`, {
        method: "POST",
        redirect: "manual",
        headers: origin === undefined ? {} : { origin },
      });
    expect((await press("merge", "http://elsewhere.example")).status).toBe(405);
    expect((await press("close")).status).toBe(303);
    expect((await press("reopen")).status).toBe(303);
    expect((await press("merge", scene.github.url)).status).toBe(303);
    expect(scene.github.pullRequest("acme/one", 1).merged?.by.login).toBe("app-owner");
  });
});
