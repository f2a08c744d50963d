import { z } from "zod";
import type { AnyEventType } from "#eventing/event-type.ts";
import type { Manifests } from "#shared/adapters/local-broker/manifests.ts";
import type { OctobatchFunction } from "#shared/runtime/define-function.ts";

/** What has to fit together: the code, its events, and what is deployed of them. */
export interface Deployment {
  readonly functions: readonly OctobatchFunction[];
  readonly catalogue: readonly AnyEventType[];
  readonly manifests: Manifests;
  /** The settings that each Secret carries, by its name. */
  readonly secrets: Readonly<Record<string, readonly string[]>>;
  /** The settings that a function reads as it is deployed. */
  readonly settingsOf: (definition: OctobatchFunction) => readonly string[];
  /** And those that it reads there or elsewhere, as on one machine. */
  readonly settingsAnywhere: (definition: OctobatchFunction) => readonly string[];
  /** Whether there is a file at this path of the repository. */
  readonly isFile: (path: string) => boolean;
}

/** The Secrets with the credentials of token roles are called by their role. */
const roleSecret = /^octobatch-tokens-(.+)$/;
const credential = "OCTOBATCH_TOKENS_CREDENTIAL";

const environmentSources = z.object({
  envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }).optional() })).default([]),
});

/** Everything that does not fit, in words; empty when all does. */
export function mismatchesOf(deployment: Deployment): readonly string[] {
  return [...eventMismatches(deployment), ...triggerMismatches(deployment), ...serviceMismatches(deployment)];
}

/** Each event is handled by one function, each function is reached by one Trigger or as the dead letter sink. */
function eventMismatches({ functions, catalogue, manifests }: Deployment): string[] {
  const problems: string[] = [];
  for (const { type } of catalogue) {
    const handlers = functions.filter((definition) => definition.kind === "event" && definition.on.type === type);
    if (handlers.length !== 1) {
      problems.push(`event ${type} is handled by ${handlers.map(({ name }) => name).join(" and ") || "no function"}`);
    }
  }
  const types = new Set(catalogue.map(({ type }) => type));
  for (const definition of functions) {
    if (definition.kind === "http") continue;
    const { name, on } = definition;
    const triggers = manifests.triggers.filter(({ spec }) => serviceOf(spec.subscriber) === name);
    const wanted = on.type === "" ? 0 : 1;
    if (triggers.length !== wanted) problems.push(`function ${name} has ${triggers.length} Triggers, not ${wanted}`);
    for (const { metadata, spec } of triggers) {
      const type = spec.filter?.attributes["type"];
      if (type !== on.type) problems.push(`Trigger ${metadata.name} sends ${type} to ${name}, which is on ${on.type}`);
    }
    if (on.type !== "" && !types.has(on.type)) {
      problems.push(`function ${name} is on ${on.type}, which is not in the catalogue`);
    }
  }
  return problems;
}

/** Triggers and dead letter sinks lead to functions that take what they get there. */
function triggerMismatches({ functions, manifests }: Deployment): string[] {
  const problems: string[] = [];
  const eventFunctions = new Map(
    functions.flatMap((definition) => (definition.kind === "event" ? [[definition.name, definition] as const] : [])),
  );
  for (const { metadata, spec } of manifests.triggers) {
    const name = serviceOf(spec.subscriber);
    if (!eventFunctions.has(name)) {
      problems.push(`Trigger ${metadata.name} leads to ${name}, which is no function that takes events`);
    }
  }
  for (const { metadata, spec } of [...manifests.triggers, ...manifests.brokers]) {
    const sink = serviceOf(spec.delivery?.deadLetterSink);
    if (eventFunctions.get(sink)?.on.type !== "") {
      problems.push(`the dead letters of ${metadata.name} go to ${sink}, which does not take every event`);
    }
  }
  return problems;
}

/** Each function has a Service that starts it, with the Secrets it reads and no others. */
function serviceMismatches(deployment: Deployment): string[] {
  const { functions, manifests, secrets, settingsOf, settingsAnywhere, isFile } = deployment;
  const problems: string[] = [];
  const services = new Map(manifests.services.map((service) => [service.metadata.name, service]));
  for (const name of services.keys()) {
    if (!functions.some((definition) => definition.name === name)) problems.push(`Service ${name} has no function`);
  }
  for (const definition of functions) {
    const { name } = definition;
    const [container] = services.get(name)?.spec.template.spec.containers ?? [];
    if (container === undefined) {
      problems.push(`function ${name} has no Service`);
      continue;
    }
    const [program, file = ""] = container.command ?? [];
    if (program !== "node" || file !== `functions/${name}/${name}.ts` || !isFile(file)) {
      problems.push(`Service ${name} runs ${program} ${file}, which is not the file of its function`);
    }
    const { envFrom } = environmentSources.parse(container);
    const mounted = new Set(envFrom.flatMap(({ secretRef }) => (secretRef === undefined ? [] : [secretRef.name])));
    const settings = new Set(settingsOf(definition));
    const asksForTokens = settingsAnywhere(definition).includes(credential);
    if (asksForTokens !== (definition.tokenRole !== undefined)) {
      problems.push(`function ${name} ${asksForTokens ? "asks for tokens without" : "has"} a token role`);
    }
    for (const [secret, keys] of Object.entries(secrets)) {
      const [, role = definition.tokenRole] = roleSecret.exec(secret) ?? [];
      const read = keys.filter((key) => settings.has(key) && role === definition.tokenRole);
      if (read.length > 0 && !mounted.has(secret))
        problems.push(`Service ${name} lacks ${secret}: it reads ${read.join(", ")}`);
      if (read.length === 0 && mounted.has(secret))
        problems.push(`Service ${name} mounts ${secret}, and reads none of it`);
    }
    for (const secret of mounted) {
      if (!(secret in secrets)) problems.push(`Service ${name} mounts ${secret}, which nothing describes`);
    }
  }
  return problems;
}

/** The Service that a destination names; empty when it names none. */
function serviceOf(destination: Manifests["triggers"][number]["spec"]["subscriber"] | undefined): string {
  return destination !== undefined && "ref" in destination ? destination.ref.name : "";
}
