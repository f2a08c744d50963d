import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { manifestSchemas, type Service } from "#shared/adapters/local-broker/manifests.ts";

const labels = z.record(z.string(), z.string());

const resource = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional(), labels: labels.default({}) }),
});

/** A resource of Kubernetes, as a manifest has it. */
export type Resource = z.output<typeof resource>;

/** Every resource in the YAML files under a directory, at any depth. */
export async function readResources(directory: string): Promise<readonly Resource[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".yaml"));
  const texts = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), "utf8")));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => resource.parse(document.toJS())));
}

/** The Deployments among them, in the shape of Knative Services: what runs in their pods is said in the same words. */
export function deploymentsIn(resources: readonly Resource[]): readonly Service[] {
  return resources
    .filter(({ apiVersion, kind }) => apiVersion === "apps/v1" && kind === "Deployment")
    .map((deployment) => manifestSchemas["serving.knative.dev/v1 Service"].parse(deployment));
}
