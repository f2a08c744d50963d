import { stringify } from "yaml";
import type { AppCredentials } from "./credentials.ts";
import { needsApiUrl, type GitHubSite } from "./github-site.ts";

/** How credentials are written down: for a shell, or for `kubectl apply`. */
export type CredentialFormat = "env" | "kubernetes";

export interface Credentials {
  readonly app: AppCredentials;
  readonly site: GitHubSite;
  readonly publicUrl: string;
}

/** The credentials as the settings that Octobatch reads. */
export function renderCredentials(format: CredentialFormat, credentials: Credentials): string {
  return { env: renderEnv, kubernetes: renderKubernetes }[format](credentials);
}

/** Lines that a shell and Node's --env-file read alike: values in single quotes, the key in one line. */
function renderEnv({ app, ...place }: Credentials): string {
  const values = {
    ...openSettings(place),
    ...appSettings(app),
    OCTOBATCH_GITHUB_PRIVATE_KEY: app.privateKey.replaceAll("\n", String.raw`\n`),
    ...webhookSettings(app),
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'`);
  return [...notes(app).map((note) => `# ${note}`), ...lines, ""].join("\n");
}

/** The Secrets that knative/README.md names; settings that are no secrets have their place in knative/settings.yaml. */
function renderKubernetes({ app, ...place }: Credentials): string {
  const forSettings = Object.entries(openSettings(place)).map(([name, value]) => `  ${name}: ${value}`);
  const head = [...notes(app), "For knative/settings.yaml:", ...forSettings].map((note) => `# ${note}\n`).join("");
  const secrets = [
    aSecret("octobatch-github-app", appSettings(app)),
    ...(app.webhookSecret === undefined ? [] : [aSecret("octobatch-github-webhook", webhookSettings(app))]),
  ];
  return head + secrets.map((secret) => stringify(secret, { lineWidth: 0 })).join("---\n");
}

function aSecret(name: string, stringData: Readonly<Record<string, string>>): object {
  const labels = { "app.kubernetes.io/part-of": "octobatch" };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "octobatch", labels },
    type: "Opaque",
    stringData,
  };
}

/** Settings that are no secrets. */
function openSettings({ site, publicUrl }: Omit<Credentials, "app">): Readonly<Record<string, string>> {
  return {
    OCTOBATCH_PUBLIC_URL: publicUrl,
    ...(needsApiUrl(site) ? { OCTOBATCH_GITHUB_API_URL: site.apiUrl } : {}),
  };
}

function appSettings({ id, privateKey }: AppCredentials): Readonly<Record<string, string>> {
  return { OCTOBATCH_GITHUB_APP_ID: String(id), OCTOBATCH_GITHUB_PRIVATE_KEY: privateKey };
}

function webhookSettings({ webhookSecret }: AppCredentials): Readonly<Record<string, string>> {
  return webhookSecret === undefined ? {} : { OCTOBATCH_GITHUB_WEBHOOK_SECRET: webhookSecret };
}

/** What no setting reads yet, but GitHub tells only once. */
function notes({ url, clientId, clientSecret }: AppCredentials): readonly string[] {
  return [
    `The GitHub App ${url}. Keep this file secret.`,
    `Client id ${clientId}, client secret ${clientSecret}: no setting reads them.`,
  ];
}
