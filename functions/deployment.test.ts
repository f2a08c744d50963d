import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { catalogue } from "#eventing/catalogue.ts";
import { changesetReady } from "#eventing/changeset.ts";
import { executionReported } from "#eventing/execution.ts";
import { readManifests } from "#shared/adapters/local-broker/read-manifests.ts";
import { settings } from "#shared/runtime/config.ts";
import type { OctobatchFunction } from "#shared/runtime/define-function.ts";
import { settingsOf } from "#shared/runtime/open-capabilities.ts";
import { baseSettings } from "#shared/runtime/serve.ts";
import { mismatchesOf, type Deployment } from "#shared/testing/check-deployment.ts";
import { deploymentsIn, readResources } from "#shared/testing/read-resources.ts";
import { clusterFunctions } from "./all.ts";
import { publishChangeset } from "./publish-changeset/publish-changeset.ts";
import { tick } from "./tick/tick.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** A row of the Secrets in knative/README.md: the name, the keys, who reads them. */
const secretRow = /^\| `(octobatch-[a-z-]+)` +\| ([^|]+) \| ([^|]+) \|/gm;

/** The Secrets and their keys, as the table of knative/README.md tells those who deploy. */
async function describedSecrets(): Promise<Readonly<Record<string, readonly string[]>>> {
  const rows = (await readFile(join(root, "knative/README.md"), "utf8")).matchAll(secretRow);
  return Object.fromEntries(
    [...rows].map(([, name = "", keys = ""]) => [name, [...keys.matchAll(/`(\w+)`/g)].map(([, key = ""]) => key)]),
  );
}

const knative = await readManifests(join(root, "knative"));
const deployments = deploymentsIn(await readResources(join(root, "knative")));

/** What settings.yaml says that decides which others are read. */
const onCluster = { OCTOBATCH_SANDBOX: "kubernetes" };

const deployed: Deployment = {
  functions: clusterFunctions,
  catalogue,
  // A function runs in a Knative Service, or in a Deployment that Jobs can reach.
  manifests: { ...knative, services: [...knative.services, ...deployments] },
  secrets: await describedSecrets(),
  settingsOf: ({ needs }) => [...baseSettings, ...settingsOf(needs, onCluster)],
  settingsAnywhere: ({ needs }) => [...settingsOf(needs, onCluster), ...settingsOf(needs, {})],
  isFile: (path) => existsSync(join(root, path)),
};

test("functions, events, Triggers, Services and Secrets fit together", () => {
  expect(mismatchesOf(deployed)).toEqual([]);
});

test("README.md names those who mount each Secret", async () => {
  const rows = [...(await readFile(join(root, "knative/README.md"), "utf8")).matchAll(secretRow)];
  const named = rows.map(([, secret = "", , readers = ""], index) => {
    // "The same" as the row above.
    const [, , , readersAbove = ""] = rows[index - 1] ?? [];
    const text = readers.startsWith("the same") ? readersAbove : readers;
    return [secret, [...text.matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name).toSorted()];
  });
  const mounted = rows.map(([, secret = "", , readers = ""]) => [
    secret,
    readers.startsWith("all")
      ? []
      : deployed.manifests.services
          .filter(({ spec }) => JSON.stringify(spec).includes(`"${secret}"`))
          .map(({ metadata }) => metadata.name)
          .toSorted(),
  ]);
  expect(named).toEqual(mounted);
});

test("the App's private key is mounted for the tokens function alone", () => {
  const mounting = deployed.manifests.services.filter(({ spec }) =>
    JSON.stringify(spec).includes("octobatch-github-app"),
  );
  expect(mounting.map(({ metadata }) => metadata.name)).toEqual(["tokens"]);
  const reading = clusterFunctions.filter(({ needs }) =>
    settingsOf(needs, onCluster).includes("OCTOBATCH_GITHUB_PRIVATE_KEY"),
  );
  expect(reading.map(({ name }) => name)).toEqual(["tokens"]);
});

test("every key of a Secret is a setting, and every secret setting has a Secret", () => {
  const carried = new Set(Object.values(deployed.secrets).flat());
  expect([...carried].filter((key) => !(key in settings))).toEqual([]);
  const secret = Object.entries(settings).flatMap(([name, setting]) => ("secret" in setting ? [name] : []));
  expect(secret.filter((name) => !carried.has(name))).toEqual([]);
});

describe("it is noticed", () => {
  const { functions, manifests, secrets } = deployed;
  const { triggers, services } = manifests;
  const without = <Thing extends { readonly metadata: { readonly name: string } }>(
    things: readonly Thing[],
    name: string,
  ) => things.filter(({ metadata }) => metadata.name !== name);
  const trigger = (name: string) => {
    const found = triggers.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`There is no Trigger ${name}.`);
    return found;
  };
  const service = (name: string, change: object) =>
    services.map((each) => {
      if (each.metadata.name !== name) return each;
      const { template } = each.spec;
      const containers = template.spec.containers.map((container) => ({ ...container, ...change }));
      return { ...each, spec: { ...each.spec, template: { ...template, spec: { ...template.spec, containers } } } };
    });
  const withoutRole = ({ tokenRole: _, ...rest }: OctobatchFunction): OctobatchFunction => rest;
  const filteredBy = (type: string) => {
    const { spec, ...rest } = trigger("tick");
    return { ...rest, spec: { ...spec, filter: { attributes: { type } } } };
  };

  test.each<[string, Partial<Deployment>, string]>([
    [
      "when an event has no function",
      { functions: functions.filter((each) => each !== publishChangeset) },
      `event ${changesetReady.type} is handled by no function`,
    ],
    [
      "when two functions take the same event",
      { functions: [...functions, { ...tick, name: "tock" }] },
      "event dev.knative.sources.ping is handled by tick and tock",
    ],
    [
      "when a function has no Trigger",
      { manifests: { ...manifests, triggers: without(triggers, "tick") } },
      "function tick has 0 Triggers, not 1",
    ],
    [
      "when a function has two",
      { manifests: { ...manifests, triggers: [...triggers, trigger("tick")] } },
      "function tick has 2 Triggers, not 1",
    ],
    [
      "when a Trigger sends another event than its function is on",
      { manifests: { ...manifests, triggers: [...without(triggers, "tick"), filteredBy(executionReported.type)] } },
      `Trigger tick sends ${executionReported.type} to tick, which is on dev.knative.sources.ping`,
    ],
    [
      "when a function is on an event that nobody catalogues",
      { catalogue: catalogue.filter((each) => each !== changesetReady) },
      `function publish-changeset is on ${changesetReady.type}, which is not in the catalogue`,
    ],
    [
      "when a Trigger leads nowhere",
      { functions: functions.filter((each) => each !== tick) },
      "Trigger tick leads to tick, which is no function that takes events",
    ],
    [
      "when dead letters have no sink",
      {
        manifests: {
          ...manifests,
          brokers: manifests.brokers.map((broker) => ({ ...broker, spec: {} })),
        },
      },
      "the dead letters of octobatch go to , which does not take every event",
    ],
    [
      "when a function has no Service",
      { manifests: { ...manifests, services: without(services, "tick") } },
      "function tick has no Service",
    ],
    [
      "when a Service has no function",
      { functions: functions.filter((each) => each !== tick) },
      "Service tick has no function",
    ],
    [
      "when a Service starts another function",
      { manifests: { ...manifests, services: service("tick", { command: ["node", "functions/bury/bury.ts"] }) } },
      "Service tick runs node functions/bury/bury.ts, which is not the file of its function",
    ],
    [
      "when the file that a Service starts is gone",
      { isFile: (path) => path !== "functions/tick/tick.ts" },
      "Service tick runs node functions/tick/tick.ts, which is not the file of its function",
    ],
    [
      "when a Service lacks a Secret that its function reads",
      { manifests: { ...manifests, services: service("tick", { envFrom: [] }) } },
      "Service tick lacks octobatch-database: it reads DATABASE_URL",
    ],
    [
      "when a Service is given a Secret that its function does not read",
      {
        manifests: {
          ...manifests,
          services: service("tick", {
            envFrom: [{ secretRef: { name: "octobatch-database" } }, { secretRef: { name: "octobatch-github-app" } }],
          }),
        },
      },
      "Service tick mounts octobatch-github-app, and reads none of it",
    ],
    [
      "when a Service is given the credential of another role",
      {
        manifests: {
          ...manifests,
          services: service("select-page", {
            envFrom: [
              { secretRef: { name: "octobatch-database" } },
              { secretRef: { name: "octobatch-tokens-writer" } },
            ],
          }),
        },
      },
      "Service select-page mounts octobatch-tokens-writer, and reads none of it",
    ],
    [
      "when a Service lacks the credential of its own",
      {
        manifests: {
          ...manifests,
          services: service("select-page", { envFrom: [{ secretRef: { name: "octobatch-tokens-writer" } }] }),
        },
      },
      "Service select-page lacks octobatch-tokens-reader: it reads OCTOBATCH_TOKENS_CREDENTIAL",
    ],
    [
      "when a function asks for tokens as nobody",
      { functions: functions.map((each) => (each.name === "select-page" ? withoutRole(each) : each)) },
      "function select-page asks for tokens without a token role",
    ],
    [
      "when a function has a role and asks for nothing",
      { functions: functions.map((each) => (each.name === "bury" ? { ...each, tokenRole: "writer" as const } : each)) },
      "function bury has a token role",
    ],
    [
      "when a Secret is not described",
      { secrets: Object.fromEntries(Object.entries(secrets).filter(([name]) => name !== "octobatch-database")) },
      "Service tick mounts octobatch-database, which nothing describes",
    ],
  ])("%s", (_, change, problem) => {
    expect(mismatchesOf({ ...deployed, ...change })).toContain(problem);
  });
});
