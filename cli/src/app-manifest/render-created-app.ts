import { oneLine } from "../terminal.ts";
import type { CreatedApp } from "./create-app.ts";
import type { CredentialFormat } from "./render-credentials.ts";

/** What there is now, and what comes next. */
export function renderCreatedApp(
  { id, name, installUrl, settingsUrl, hasWebhookSecret }: CreatedApp,
  { format, file, webhooks }: { readonly format: CredentialFormat; readonly file: string; readonly webhooks: boolean },
): string {
  const steps = [
    `Install it: ${oneLine(installUrl)}`,
    ...(webhooks && !hasWebhookSecret
      ? [`GitHub told no webhook secret: set one at its settings page, and as OCTOBATCH_GITHUB_WEBHOOK_SECRET.`]
      : []),
    ...{
      env: [`Start Octobatch with it: set -a && . ${quoted(file)} && set +a && octobatch dev`],
      kubernetes: [
        "Set in knative/settings.yaml what the file's first lines say.",
        `Hand the Secrets to the cluster, then delete the file: kubectl apply -f ${quoted(file)}`,
      ],
    }[format],
  ];
  return [
    `The GitHub App ${oneLine(name)} is made, with the id ${id}.`,
    `  key and secrets  ${oneLine(file)}`,
    `  settings page    ${oneLine(settingsUrl)}`,
    "Next:",
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
    "",
  ].join("\n");
}

/** As one word of a shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/u.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
