import { readdir, readFile } from "node:fs/promises";
import { request } from "node:https";
import type { RequestOptions } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { accountOf } from "./cluster-world.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { findClusterParts } from "./parts.ts";

const knative = fileURLToPath(new URL("../../knative", import.meta.url));
const parts = findClusterParts();

const anObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
type Manifest = z.infer<typeof anObject>;

/** What of `knative/` is Kubernetes' own, by the file it is in. Knative's kinds have a test of their own. */
async function coreManifests(): Promise<readonly (readonly [file: string, Manifest])[]> {
  const files = (await readdir(knative, { recursive: true })).filter((name) => name.endsWith(".yaml"));
  const found: (readonly [string, Manifest])[] = [];
  for (const file of files.toSorted()) {
    for (const document of parseAllDocuments(await readFile(join(knative, file), "utf8"))) {
      const manifest = anObject.parse(document.toJSON());
      if (!manifest.apiVersion.includes("knative.dev"))
        found.push([`${file}: ${manifest.kind} ${manifest.metadata.name}`, manifest]);
    }
  }
  return found;
}

const manifests = await coreManifests();

describe.skipIf("missing" in parts)(`what is deployed ${"missing" in parts ? parts.missing : ""}`, () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    if ("missing" in parts) return;
    plane = await startControlPlane(parts);
    const core = plane.admin.makeApiClient(CoreV1Api);
    for (const [, manifest] of manifests) {
      if (manifest.kind !== "Namespace") continue;
      await create(manifest, "");
      await accountOf(core, manifest.metadata.name);
    }
  });
  afterAll(() => plane.stop());

  async function ask(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
    const options: RequestOptions = { method, headers: { "content-type": "application/json" } };
    await plane.admin.applyToHTTPSOptions(options);
    return new Promise((resolve, reject) => {
      const asked = request(plane.server + path, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
        );
      });
      asked.once("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Where the API server takes objects of a kind, as it says itself. */
  async function placeOf({ apiVersion, kind, metadata }: Manifest): Promise<string> {
    const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const known = z
      .object({ resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })) })
      .parse(JSON.parse((await ask("GET", base)).text));
    const resource = known.resources.find((each) => each.kind === kind && !each.name.includes("/"));
    if (resource === undefined) throw new Error(`The API server knows no ${kind} of ${apiVersion}.`);
    return resource.namespaced
      ? `${base}/namespaces/${metadata.namespace ?? "default"}/${resource.name}`
      : `${base}/${resource.name}`;
  }

  async function create(manifest: Manifest, query: string): Promise<{ status: number; text: string }> {
    return ask("POST", `${await placeOf(manifest)}?fieldValidation=Strict${query}`, manifest);
  }

  test.each(manifests)("%s is taken by the API server, without a field it does not know", async (_, manifest) => {
    const { status, text } = await create(manifest, "&dryRun=All");
    // A namespace has been made above, and each has its default account by itself.
    const isThere =
      manifest.kind === "Namespace" || (manifest.kind === "ServiceAccount" && manifest.metadata.name === "default");
    expect([isThere && status === 409 ? 201 : status, text.slice(0, 500)]).toEqual([201, expect.any(String)]);
  });

  test("a field that it does not know is refused", async () => {
    const role = manifests.find(([, { kind }]) => kind === "Role")?.[1];
    expect(role).toBeDefined();
    if (role === undefined) return;
    const answer = await create({ ...role, metadata: { ...role.metadata, name: "other" }, rulez: [] }, "&dryRun=All");
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining("rulez") });
  });

  test("the pods of the functions and of artifacts are admitted where only restricted ones are", async () => {
    const warned = manifests.filter(([, { kind }]) => kind === "Deployment");
    expect(warned.length).toBeGreaterThan(0);
    for (const [, deployment] of warned) {
      const { spec } = z
        .looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: z.looseObject({}) }) }) })
        .parse(deployment);
      const metadata = { generateName: "pod-", namespace: deployment.metadata.namespace, name: "" };
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata,
        spec: { ...spec.template.spec, serviceAccountName: "default" },
      };
      const { status, text } = await create(pod, "&dryRun=All");
      expect([status, text.slice(0, 500)]).toEqual([201, expect.any(String)]);
    }
  });
});
