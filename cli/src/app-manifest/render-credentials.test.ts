import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { expect, test } from "vitest";
import { z } from "zod";
import { renderCredentials } from "./render-credentials.ts";

const privateKey = "-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY-----\n";
const app = {
  id: 7,
  clientId: "Iv1.0",
  clientSecret: "c11e47",
  webhookSecret: "9876543210",
  privateKey,
  slug: "octobatch",
  name: "Octobatch",
  url: "https://github.com/apps/octobatch",
};
const gitHubCom = { url: "https://github.com", apiUrl: "https://api.github.com" };
const server = { url: "https://github.test", apiUrl: "https://github.test/api/v3" };
const publicUrl = "https://octobatch.example.com";

const secret = z.object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata: z.object({ name: z.string(), namespace: z.literal("octobatch") }),
  stringData: z.record(z.string(), z.string()),
});

/** Each Secret's settings. */
function secretsOf(manifests: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const parsed = parseAllDocuments(manifests).map((document) => secret.parse(document.toJS()));
  return Object.fromEntries(parsed.map(({ metadata, stringData }) => [metadata.name, stringData]));
}

test("a shell gets the key in one line, and the API's address only where it is not the usual one", () => {
  expect(renderCredentials("env", { app, site: gitHubCom, publicUrl })).toBe(
    [
      "# The GitHub App https://github.com/apps/octobatch. Keep this file secret.",
      "# Client id Iv1.0, client secret c11e47: no setting reads them.",
      "OCTOBATCH_PUBLIC_URL='https://octobatch.example.com'",
      "OCTOBATCH_GITHUB_APP_ID='7'",
      String.raw`OCTOBATCH_GITHUB_PRIVATE_KEY='-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY-----\n'`,
      "OCTOBATCH_GITHUB_WEBHOOK_SECRET='9876543210'",
      "",
    ].join("\n"),
  );
  expect(renderCredentials("env", { app, site: server, publicUrl })).toContain(
    "\nOCTOBATCH_GITHUB_API_URL='https://github.test/api/v3'\n",
  );
});

test("a cluster gets the Secrets that knative/README.md names, with their keys", async () => {
  const readme = await readFile(new URL("../../../knative/README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| `(octobatch-github-[a-z]+)` +\| ([^|]+) \|/gmu)];
  const named = rows.map(([, name, keys = ""]) => [name, [...keys.matchAll(/\w+/gu)].map(([key]) => key)]);
  const secrets = secretsOf(renderCredentials("kubernetes", { app, site: gitHubCom, publicUrl }));
  expect(Object.entries(secrets).map(([name, data]) => [name, Object.keys(data)])).toEqual(named);
  expect(secrets["octobatch-github-app"]?.["OCTOBATCH_GITHUB_PRIVATE_KEY"]).toBe(privateKey);
});

test("a cluster is told the settings that are no secrets, for where they belong", () => {
  expect(renderCredentials("kubernetes", { app, site: server, publicUrl })).toContain(
    [
      "# For knative/settings.yaml:",
      "#   OCTOBATCH_PUBLIC_URL: https://octobatch.example.com",
      "#   OCTOBATCH_GITHUB_API_URL: https://github.test/api/v3",
      "apiVersion: v1",
    ].join("\n"),
  );
});

test("without a webhook secret there is none", () => {
  const { webhookSecret: _, ...silent } = app;
  expect(renderCredentials("env", { app: silent, site: gitHubCom, publicUrl })).not.toContain("WEBHOOK");
  const secrets = secretsOf(renderCredentials("kubernetes", { app: silent, site: gitHubCom, publicUrl }));
  expect(Object.keys(secrets)).toEqual(["octobatch-github-app"]);
});
