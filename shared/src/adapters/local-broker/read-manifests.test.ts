import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvalidManifest } from "./manifests.ts";
import { readManifests } from "./read-manifests.ts";

describe("the manifests that are deployed", async () => {
  const manifests = await readManifests(fileURLToPath(new URL("../../../../knative", import.meta.url)));
  const completeDelivery = {
    retry: expect.any(Number),
    backoffPolicy: "exponential",
    backoffDelay: expect.any(String),
    deadLetterSink: { ref: { name: "bury" } },
  };
  const serviceNames = new Set(manifests.services.map(({ metadata }) => metadata.name));

  test("have a Service for dead letters", () => {
    expect(serviceNames).toContain("bury");
  });

  test("are all in one namespace", () => {
    const all = Object.values(manifests).flat();
    expect(new Set(all.map(({ metadata }) => metadata.namespace))).toEqual(new Set(["octobatch"]));
  });

  test("have one Broker, one PingSource for it, and Triggers of it only", () => {
    expect(manifests.brokers.map(({ metadata }) => metadata.name)).toEqual(["octobatch"]);
    expect(manifests.pingSources.map(({ spec }) => spec.sink.ref.name)).toEqual(["octobatch"]);
    expect(new Set(manifests.triggers.map(({ spec }) => spec.broker))).toEqual(new Set(["octobatch"]));
  });

  test.each(manifests.triggers.map((trigger) => [trigger.metadata.name, trigger.spec] as const))(
    "Trigger %s leads to its Service by an exact type, and its dead letters to bury, with retries of its own",
    (name, { filter, filters, subscriber, delivery }) => {
      expect(subscriber).toEqual({ ref: { apiVersion: "serving.knative.dev/v1", kind: "Service", name } });
      expect(serviceNames).toContain(name);
      expect(filters).toBeUndefined();
      expect(filter?.attributes["type"]).toMatch(/^dev\.(octobatch|knative)\./);
      expect(delivery).toMatchObject(completeDelivery);
    },
  );

  test("the Broker's own delivery is complete as well", () => {
    expect(manifests.brokers[0]?.spec.delivery).toMatchObject(completeDelivery);
  });

  test.each(manifests.services.map((service) => [service.metadata.name, service] as const))(
    "Service %s is limited, restricted, watched, and reachable from outside only where it has to be",
    (name, { metadata, spec: { template } }) => {
      const [container] = template.spec.containers;
      expect(metadata.labels["networking.knative.dev/visibility"] === "cluster-local").toBe(
        !["api", "receive-webhook"].includes(name),
      );
      expect(template.spec.containerConcurrency).toBeGreaterThan(0);
      expect(Number(template.metadata.annotations["autoscaling.knative.dev/max-scale"])).toBeGreaterThan(0);
      expect(template.spec.timeoutSeconds).toBeGreaterThan(0);
      // Only who starts and ends Jobs speaks to the API server.
      const isExecutor = ["execute-transform", "cancel-execution"].includes(name);
      expect(template.spec).toMatchObject({
        serviceAccountName: isExecutor ? "octobatch-executor" : "octobatch",
        automountServiceAccountToken: isExecutor,
      });
      expect(container?.command).toEqual(["node", `functions/${name}/${name}.ts`]);
      expect(container).toMatchObject({
        readinessProbe: { httpGet: { path: "/readyz" } },
        resources: { requests: { memory: expect.any(String) }, limits: { memory: expect.any(String) } },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          seccompProfile: { type: "RuntimeDefault" },
        },
      });
    },
  );
});

describe("reading manifests", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "octobatch-manifests-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const trigger = (spec: string) => `
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: { name: select-page, namespace: octobatch }
spec:
  broker: octobatch
  subscriber: { ref: { apiVersion: serving.knative.dev/v1, kind: Service, name: select-page } }
${spec}`;

  test("takes several documents a file, and leaves the kinds of Kubernetes out", async () => {
    const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: x }\n";
    await writeFile(join(directory, "all.yaml"), `${account}---${trigger("")}`);
    const { triggers, services } = await readManifests(directory);
    expect(triggers.map(({ metadata }) => metadata.name)).toEqual(["select-page"]);
    expect(services).toEqual([]);
  });

  test.each([
    ["a misspelt field", trigger("  delivery: { retrys: 3 }"), "retrys"],
    ["a duration that is none", trigger("  delivery: { backoffDelay: 5s }"), "ISO 8601 duration"],
    ["a filter by CESQL", trigger("  filters: [{ cesql: \"type = 'x'\" }]"), "CESQL filters are not supported"],
    ["a filter of two kinds", trigger("  filters: [{ exact: { id: x }, prefix: { id: x } }]"), "exactly one of exact"],
    ["a name that is no DNS label", trigger("").replace("name: select-page,", "name: Select_Page,"), "DNS label"],
    ["the same twice", `${trigger("")}\n---\n${trigger("")}`, "is there twice"],
    [
      "a kind of Knative that is not known",
      "apiVersion: flows.knative.dev/v1\nkind: Sequence",
      "Sequence is not known",
    ],
    ["what is no resource", "just: text", "apiVersion and kind"],
    ["broken YAML", "a: [", "all.yaml"],
  ])("refuses %s, naming the file", async (_, text, message) => {
    await writeFile(join(directory, "all.yaml"), text);
    const reading = readManifests(directory);
    await expect(reading).rejects.toThrow(InvalidManifest);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow("all.yaml");
  });
});
