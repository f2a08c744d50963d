import { describe, expect, it } from "vitest";
import { askAs, type Told } from "../testing/ask.ts";
import { anOrganization, expectNoViolations, refusal, type Scene } from "../testing/an-organization.ts";
import { openApiMissing } from "../validation/openapi-document.ts";

const missing = await openApiMissing();

async function asApp({ github }: Scene, claims: object = {}, key?: string): Promise<Told> {
  return askAs(github, github.appJwt({ ...claims }, key))("/app");
}

const manifest = {
  name: "Octobatch of ACME",
  url: "https://octobatch.example",
  hook_attributes: { url: "https://octobatch.example/webhook" },
  redirect_url: "https://octobatch.example/setup?step=2",
  default_events: ["pull_request", "push"],
  default_permissions: { contents: "write", pull_requests: "write" },
};

describe.skipIf(missing !== undefined)(`the App ${missing ?? ""}`, () => {
  it("is told by what its clock is wrong", async () => {
    const scene = await anOrganization();
    const now = Math.floor(Date.now() / 1000);
    const message = async (claims: object): Promise<unknown> => {
      const { status, body } = await asApp(scene, claims);
      return `${status} ${(body as { message: string }).message}`;
    };
    expect(await message({ iat: now + 300, exp: now + 600 })).toBe(
      "401 'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
    expect(await message({ exp: now + 3_600 })).toBe("401 'Expiration time' claim ('exp') is too far in the future");
    expect(await message({ iat: now - 900, exp: now - 300 })).toMatch(/^401 'Expiration time' claim \('exp'\) must be/);
    expect(await message({ iss: 1 })).toBe("404 Integration not found");
    expectNoViolations(scene.github);
  });

  it("may sign with any of its keys, and with none that was revoked", async () => {
    const scene = await anOrganization();
    const second = await scene.github.addKey();
    expect([(await asApp(scene)).status, (await asApp(scene, {}, second)).status]).toEqual([200, 200]);
    scene.github.revokeKey();
    expect(await asApp(scene)).toMatchObject({
      status: 401,
      body: { message: "A JSON web token could not be decoded" },
    });
    expect((await asApp(scene, {}, second)).status).toBe(200);
    expect(() => scene.github.revokeKey()).toThrow(/no such key/);
  });

  it("gets a new permission only once somebody has accepted it", async () => {
    const { github, token, app } = await anOrganization();
    github.requestPermissions({ ...github.installation("acme").permissions, workflows: "write" });
    const { data } = await app.octokit.request("GET /app");
    expect(data?.permissions).toMatchObject({ workflows: "write" });
    const wanted = { permissions: { workflows: "write" } };
    expect(await refusal(token(wanted))).toBe("422 The permissions requested are not granted to this installation.");
    await github.acceptPermissions("acme");
    expect(await token(wanted)).toMatch(/^ghs_/);
    expectNoViolations(github);
  });

  it("cannot use an installation that was deleted", async () => {
    const { github, token } = await anOrganization();
    const living = askAs(github, await token());
    await github.uninstall("acme");
    expect(await refusal(token())).toBe("404 Not Found");
    expect(await living("/repos/acme/one")).toMatchObject({ status: 401, body: { message: "Bad credentials" } });
  });

  it("is made by posting a manifest, whose code buys the credentials once", async () => {
    const { github } = await anOrganization();
    const body = new URLSearchParams({ manifest: JSON.stringify(manifest) });
    const url = `${github.url}/organizations/acme/settings/apps/new?state=abc`;
    const posted = await fetch(url, { method: "POST", body, redirect: "manual" });
    const location = new URL(posted.headers.get("location") ?? "");
    expect([posted.status, location.origin, location.searchParams.get("state")]).toEqual([
      302,
      "https://octobatch.example",
      "abc",
    ]);
    expect(location.searchParams.get("step")).toBe("2");
    const convert = (): Promise<Response> =>
      fetch(`${github.apiUrl}/app-manifests/${location.searchParams.get("code") ?? ""}/conversions`, {
        method: "POST",
      });
    const converted = await convert();
    const credentials = (await converted.json()) as { id: number; pem: string; webhook_secret: string };
    expect(converted.status).toBe(201);
    expect(credentials).toMatchObject({
      slug: "octobatch-of-acme",
      name: manifest.name,
      permissions: manifest.default_permissions,
    });
    expect((await convert()).status).toBe(404);
    const jwt = github.appJwt({ iss: credentials.id }, credentials.pem);
    expect((await askAs(github, jwt)("/app")).body).toMatchObject({ id: credentials.id, installations_count: 0 });
    await github.install("acme");
    expect((await askAs(github, github.installationToken("acme"))("/repos/acme/one")).status).toBe(200);
    expectNoViolations(github);
  });

  it("says what is wrong with a manifest, and lets a code expire within the hour", async () => {
    let now = new Date();
    const { github } = await anOrganization({ clock: { now: () => now } });
    const post = async (fields: Record<string, string>): Promise<string> => {
      const response = await fetch(`${github.url}/settings/apps/new`, {
        method: "POST",
        body: new URLSearchParams(fields),
      });
      return `${response.status} ${await response.text()}`;
    };
    expect(await post({})).toMatch(/^422 .*no field named manifest/s);
    expect(await post({ manifest: "{" })).toMatch(/^422 .*is not JSON/s);
    expect(await post({ manifest: "{}" })).toMatch(/^422 .*invalid at name/s);
    const code = github.agreeToManifest(manifest);
    now = new Date(now.getTime() + 3_600_001);
    const late = await fetch(`${github.apiUrl}/app-manifests/${code}/conversions`, { method: "POST" });
    expect(late.status).toBe(404);
  });
});
