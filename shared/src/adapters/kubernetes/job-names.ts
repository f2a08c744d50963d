import { createHash } from "node:crypto";
import type { TransformJob } from "#shared/ports/sandbox.ts";

type Attempt = Pick<TransformJob, "executionId" | "attempt">;

/** Labels of a Job and its pods; what a label cannot hold as it is stands in the annotation of the same name. */
export const labelNames = {
  execution: "octobatch.dev/execution",
  attempt: "octobatch.dev/attempt",
  campaign: "octobatch.dev/campaign",
  repository: "octobatch.dev/repository",
} as const;

/** The label by which a NetworkPolicy picks the pods that may reach a network. */
export function networkLabel(name: string): string {
  return `network.octobatch.dev/${name}`;
}

/** Room for what the Job controller adds to name a pod: a DNS label has 63 characters. */
const longestName = 57;

/** The Job of one attempt: always the same name, so that a second start finds the first. */
export function jobName({ executionId, attempt }: Attempt): string {
  const name = `${executionId}-${attempt}`;
  return name.length <= longestName && /^[a-z][-a-z0-9]*$/.test(name) ? name : `x-${digest(executionId)}-${attempt}`;
}

/** Finds the Jobs of all attempts of an execution. */
export function executionSelector(executionId: string): string {
  return `${labelNames.execution}=${labelValue(executionId)}`;
}

export function labelsOf(job: TransformJob): Readonly<Record<string, string>> {
  return {
    "app.kubernetes.io/name": "transform",
    "app.kubernetes.io/part-of": "octobatch",
    "app.kubernetes.io/managed-by": "octobatch",
    ...Object.fromEntries(Object.entries(describe(job)).map(([name, value]) => [name, labelValue(value)])),
  };
}

/** The whole values. */
export function annotationsOf(job: TransformJob): Readonly<Record<string, string>> {
  return describe(job);
}

function describe({ executionId, attempt, campaign, source }: TransformJob): Record<string, string> {
  return {
    [labelNames.execution]: executionId,
    [labelNames.attempt]: String(attempt),
    [labelNames.campaign]: campaign.name,
    [labelNames.repository]: `${source.owner}/${source.name}`,
  };
}

/** As it is when a label may hold it, otherwise what can be held of it, and a hash that keeps different values apart. */
function labelValue(value: string): string {
  if (/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(value)) return value;
  const plain = value.replaceAll(/[^-A-Za-z0-9_.]+/g, "_").replace(/^[^A-Za-z0-9]+/, "");
  return `${plain.slice(0, 40)}.${digest(value).slice(0, 12)}`.replace(/^\./, "");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
