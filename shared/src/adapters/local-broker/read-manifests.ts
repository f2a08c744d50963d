import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import {
  InvalidManifest,
  manifestSchemas,
  type Broker,
  type Manifests,
  type PingSource,
  type Service,
  type Trigger,
} from "./manifests.ts";

const anyResource = z.looseObject({ apiVersion: z.string(), kind: z.string() });

/**
 * The Brokers, Triggers, PingSources and Services in the YAML files under `directory`, at any depth. Kinds of Kubernetes
 * itself are left out.
 * @throws InvalidManifest naming the file and the field; also for a kind of Knative that the local broker does not know.
 */
export async function readManifests(directory: string): Promise<Manifests> {
  const found = {
    brokers: new Array<Broker>(),
    triggers: new Array<Trigger>(),
    pingSources: new Array<PingSource>(),
    services: new Array<Service>(),
  };
  const seen = new Set<string>();

  for (const { file, resource } of await readResources(directory)) {
    const { apiVersion, kind } = resource;
    const parse = <Output extends Broker | Trigger | PingSource | Service>(schema: z.ZodType<Output>): Output => {
      const parsed = schema.safeParse(resource);
      if (!parsed.success) throw new InvalidManifest(`${file}: ${kind}: ${z.prettifyError(parsed.error)}`);
      const { namespace, name } = parsed.data.metadata;
      const identity = `${kind} ${namespace}/${name}`;
      if (seen.has(identity)) throw new InvalidManifest(`${file}: ${identity} is there twice.`);
      seen.add(identity);
      return parsed.data;
    };
    switch (`${apiVersion} ${kind}`) {
      case "eventing.knative.dev/v1 Broker":
        found.brokers.push(parse(manifestSchemas["eventing.knative.dev/v1 Broker"]));
        break;
      case "eventing.knative.dev/v1 Trigger":
        found.triggers.push(parse(manifestSchemas["eventing.knative.dev/v1 Trigger"]));
        break;
      case "sources.knative.dev/v1 PingSource":
        found.pingSources.push(parse(manifestSchemas["sources.knative.dev/v1 PingSource"]));
        break;
      case "serving.knative.dev/v1 Service":
        found.services.push(parse(manifestSchemas["serving.knative.dev/v1 Service"]));
        break;
      default:
        if (!apiVersion.split("/", 1).join().endsWith("knative.dev")) break;
        throw new InvalidManifest(
          `${file}: ${apiVersion} ${kind} is not known here; known are: ${Object.keys(manifestSchemas).join(", ")}.`,
        );
    }
  }
  return found;
}

async function readResources(directory: string): Promise<{ file: string; resource: z.output<typeof anyResource> }[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const resources = await Promise.all(
    paths.map(async (path) => {
      const file = relative(directory, path);
      return parseAllDocuments(await readFile(path, "utf8")).map((document) => {
        const [problem] = document.errors;
        if (problem !== undefined) throw new InvalidManifest(`${file}: ${problem.message}`);
        const parsed = anyResource.safeParse(document.toJS());
        if (!parsed.success) throw new InvalidManifest(`${file}: a resource needs apiVersion and kind.`);
        return { file, resource: parsed.data };
      });
    }),
  );
  return resources.flat();
}
