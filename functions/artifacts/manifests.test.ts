import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { neededRights } from "#shared/adapters/kubernetes/rights.ts";
import { readResources } from "#shared/testing/read-resources.ts";

const resources = await readResources(fileURLToPath(new URL("../../knative", import.meta.url)));

/** The one resource of this kind, name and namespace. @throws z.ZodError when it has another shape. */
function read<Shape>(kind: string, namespace: string | undefined, name: string, shape: z.ZodType<Shape>): Shape {
  const found = resources.filter(
    ({ kind: itsKind, metadata }) => itsKind === kind && metadata.namespace === namespace && metadata.name === name,
  );
  expect(found, `${kind} ${namespace}/${name}`).toHaveLength(1);
  return shape.parse(found[0]);
}

const labels = z.record(z.string(), z.string());
const selector = z.strictObject({ matchLabels: labels });
const ports = z.array(z.strictObject({ protocol: z.literal("TCP"), port: z.number() }));
// An element with both selectors means their intersection; a rule without ports or peers would mean all of them.
const peers = z.array(z.strictObject({ namespaceSelector: selector, podSelector: selector })).length(1);
const policy = z.looseObject({
  spec: z.strictObject({
    podSelector: z.strictObject({ matchLabels: labels.optional() }),
    policyTypes: z.array(z.enum(["Ingress", "Egress"])),
    ingress: z.array(z.strictObject({ from: peers, ports })).optional(),
    egress: z.array(z.strictObject({ to: peers, ports })).optional(),
  }),
});
const securityContext = z.looseObject({});
const deployment = z.looseObject({
  spec: z.looseObject({
    replicas: z.number(),
    selector,
    template: z.looseObject({
      metadata: z.looseObject({ labels }),
      spec: z.looseObject({
        automountServiceAccountToken: z.boolean(),
        containers: z
          .array(
            z.looseObject({
              ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })),
              securityContext,
            }),
          )
          .length(1),
      }),
    }),
  }),
});

const artifacts = read("Deployment", "octobatch", "artifacts", deployment).spec;
const [container] = artifacts.template.spec.containers;
const [port] = container?.ports ?? [];
const namespaceCalled = (name: string) => ({ matchLabels: { "kubernetes.io/metadata.name": name } });
/** The labels that the pods of Jobs have: see `labelsOf` of the Kubernetes sandbox. */
const transforms = { matchLabels: { "app.kubernetes.io/name": "transform" } };

describe("the pods of Jobs", () => {
  test("reach the pods of artifacts on their port, and nothing else: no DNS, no API server, no gateway", () => {
    const policies = resources.filter(
      ({ kind, metadata }) => kind === "NetworkPolicy" && metadata.namespace === "octobatch-jobs",
    );
    expect(policies.map(({ metadata }) => metadata.name).toSorted()).toEqual(["artifacts", "nothing"]);
    expect(read("NetworkPolicy", "octobatch-jobs", "nothing", policy).spec).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
    expect(read("NetworkPolicy", "octobatch-jobs", "artifacts", policy).spec).toEqual({
      podSelector: transforms,
      policyTypes: ["Egress"],
      egress: [
        {
          to: [{ namespaceSelector: namespaceCalled("octobatch"), podSelector: artifacts.selector }],
          ports: [{ protocol: "TCP", port: port?.containerPort }],
        },
      ],
    });
  });

  test("are held to the restricted standard, of a version that does not change by itself", () => {
    const { metadata } = read(
      "Namespace",
      undefined,
      "octobatch-jobs",
      z.looseObject({ metadata: z.looseObject({ labels }) }),
    );
    expect(metadata.labels).toMatchObject({
      "pod-security.kubernetes.io/enforce": "restricted",
      "pod-security.kubernetes.io/enforce-version": expect.stringMatching(/^v1\.\d+$/),
      "pod-security.kubernetes.io/warn": "restricted",
      "pod-security.kubernetes.io/audit": "restricted",
    });
  });

  test("have no identity, a bound on what they take, and nothing that stays or is reached", () => {
    const account = z.looseObject({ automountServiceAccountToken: z.literal(false) });
    read("ServiceAccount", "octobatch-jobs", "default", account);
    const quota = z.looseObject({ spec: z.strictObject({ hard: labels }) });
    const { hard } = read("ResourceQuota", "octobatch-jobs", "transforms", quota).spec;
    expect(hard).toMatchObject({ services: "0", persistentvolumeclaims: "0" });
    for (const bound of ["pods", "count/jobs.batch", "requests.cpu", "limits.memory"])
      expect(hard).toHaveProperty([bound]);
    const range = z.looseObject({
      spec: z.looseObject({ limits: z.array(z.looseObject({ default: labels, defaultRequest: labels })) }),
    });
    // Without a default, a quota on memory refuses every pod that does not say what it needs.
    expect(read("LimitRange", "octobatch-jobs", "transforms", range).spec.limits[0]?.default).toHaveProperty("memory");
  });
});

describe("artifacts", () => {
  test("is asked by the pods of Jobs alone", () => {
    expect(read("NetworkPolicy", "octobatch", "artifacts", policy).spec).toEqual({
      podSelector: artifacts.selector,
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [{ namespaceSelector: namespaceCalled("octobatch-jobs"), podSelector: transforms }],
          ports: [{ protocol: "TCP", port: port?.containerPort }],
        },
      ],
    });
  });

  test("is found by its Service, and kept up while nodes are drained", () => {
    expect(artifacts.template.metadata.labels).toMatchObject(artifacts.selector.matchLabels);
    const service = z.looseObject({
      spec: z.strictObject({
        selector: labels,
        ports: z.array(z.looseObject({ port: z.number(), targetPort: z.string() })),
      }),
    });
    expect(read("Service", "octobatch", "artifacts", service).spec).toEqual({
      selector: artifacts.selector.matchLabels,
      ports: [expect.objectContaining({ port: 80, targetPort: port?.name })],
    });
    const budget = z.looseObject({ spec: z.strictObject({ minAvailable: z.number(), selector }) });
    const { minAvailable, selector: chosen } = read("PodDisruptionBudget", "octobatch", "artifacts", budget).spec;
    expect(chosen).toEqual(artifacts.selector);
    expect(artifacts.replicas).toBeGreaterThan(minAvailable);
  });

  test("has no Knative Service, whose gateway Jobs would have to reach", () => {
    const named = resources.filter(({ metadata }) => metadata.name === "artifacts");
    expect(named.map(({ apiVersion }) => apiVersion).filter((version) => version.includes("knative"))).toEqual([]);
  });

  test("keeps to the restricted standard, without a token of the cluster's", () => {
    expect(artifacts.template.spec.automountServiceAccountToken).toBe(false);
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
  });
});

test("the executor may do in the Jobs' namespace what the sandbox does there, and nothing else anywhere", () => {
  const role = z.looseObject({
    rules: z.array(
      z.strictObject({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }),
    ),
  });
  expect(read("Role", "octobatch-jobs", "executor", role).rules).toEqual(
    neededRights.map(({ group, resource, verbs }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: [...verbs],
    })),
  );
  const bindings = resources.filter(({ kind }) => /^(Cluster)?Role(Binding)?$/.test(kind));
  expect(bindings.map(({ kind }) => kind).toSorted()).toEqual(["Role", "RoleBinding"]);
  const binding = z.looseObject({
    roleRef: z.looseObject({ kind: z.string(), name: z.string() }),
    subjects: z.array(z.unknown()),
  });
  expect(read("RoleBinding", "octobatch-jobs", "executor", binding)).toMatchObject({
    roleRef: { kind: "Role", name: "executor" },
    subjects: [{ kind: "ServiceAccount", name: "octobatch-executor", namespace: "octobatch" }],
  });
});
