import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { anOrganization, expectNoViolations, one, refusal } from "../testing/an-organization.ts";
import { openApiMissing } from "../validation/openapi-document.ts";

const missing = await openApiMissing();

describe.skipIf(missing !== undefined)(`App authentication ${missing ?? ""}`, () => {
  it("refuses a JWT of another key", async () => {
    const { github } = await anOrganization();
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const unsigned = `${encode({ alg: "RS256" })}.${encode({ iat: now, exp: now + 60, iss: github.app.id })}`;
    const forged = `${unsigned}.${createHmac("sha256", "guess").update(unsigned).digest("base64url")}`;
    const response = await fetch(`${github.apiUrl}/app`, { headers: { authorization: `Bearer ${forged}` } });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ message: "A JSON web token could not be decoded" });
  });

  it("lets a token live for an hour of its own clock", async () => {
    let now = new Date();
    const { github, token } = await anOrganization({ clock: { now: () => now } });
    const minted = await token();
    const ask = async (): Promise<number> =>
      (await fetch(`${github.apiUrl}/installation/repositories`, { headers: { authorization: `token ${minted}` } }))
        .status;
    expect(await ask()).toBe(200);
    now = new Date(now.getTime() + 3_600_000);
    expect(await ask()).toBe(401);
  });

  it("scopes a token to repositories and permissions", async () => {
    const { github, token } = await anOrganization();
    await github.addRepository({ owner: "acme", name: "two" });
    const narrow = await token({ repositories: ["one"], permissions: { contents: "read" } });
    const ask = async (path: string, method = "GET"): Promise<Response> =>
      fetch(`${github.apiUrl}${path}`, { method, headers: { authorization: `Bearer ${narrow}` } });
    expect((await ask("/repos/acme/one")).status).toBe(200);
    expect((await ask("/repos/acme/two")).status).toBe(404);
    const refused = await ask("/repos/acme/one/git/blobs", "POST");
    expect(refused.status).toBe(403);
    expect(refused.headers.get("x-accepted-github-permissions")).toBe("contents=write");
    expect(await refused.json()).toMatchObject({ message: "Resource not accessible by integration", status: "403" });
    expect(await refusal(token({ repositories: ["three"] }))).toMatch(/^422 There is at least one repository/);
    expect(await refusal(token({ permissions: { administration: "write" } }))).toBe(
      "422 The permissions requested are not granted to this installation.",
    );
  });

  it("refuses a suspended installation and a revoked token", async () => {
    const { github, token } = await anOrganization();
    const authorization = `Bearer ${await token()}`;
    const ask = (): Promise<Response> => fetch(`${github.apiUrl}/repos/acme/one`, { headers: { authorization } });
    expect((await ask()).status).toBe(200);
    github.revokeTokens("acme");
    expect(await (await ask()).json()).toMatchObject({ message: "Bad credentials", status: "401" });
    await github.suspend("acme");
    expect(await refusal(token())).toBe("403 This installation has been suspended");
  });

  it("leads from a renamed repository to where it is now", async () => {
    const { github, octokit } = await anOrganization();
    await github.rename("acme/one", "uno");
    const { data } = await octokit.request("GET /repos/{owner}/{repo}", one);
    expect(data.full_name).toBe("acme/uno");
    expectNoViolations(github);
  });

  it("answers an unknown route with 404 and records it as a violation", async () => {
    const { github, octokit } = await anOrganization();
    expect(await refusal(octokit.request("GET /nothing-here"))).toBe("404 Not Found");
    expect(github.violations()).toMatchObject([{ message: "there is no such operation" }]);
  });

  it("pages by Link headers", async () => {
    const { github, octokit } = await anOrganization();
    for (const name of ["two", "three"]) await github.addRepository({ owner: "acme", name });
    const { headers, data } = await octokit.request("GET /installation/repositories", { per_page: 2 });
    expect(data.total_count).toBe(3);
    expect(headers.link).toMatch(/page=2>; rel="next"/);
    expectNoViolations(github);
  });
});
