import canonicalize from "canonicalize";
import { createHash } from "node:crypto";
import { referenceFindings } from "./check-references.ts";
import { inOrder, type Finding } from "./finding.ts";
import { InvalidSpec } from "./invalid-spec.ts";
import { normalize } from "./normalize.ts";
import { schemaFindings } from "./schema/schema-findings.ts";
import { specSchema } from "./schema/spec-schema.ts";
import type { Spec } from "./spec.ts";
import { variablesIn } from "./template/variables-in.ts";
import { readYaml } from "./yaml/read-yaml.ts";

export interface ParsedSpec {
  readonly spec: Spec;
  /** The spec as JSON by RFC 8785: equal texts for equal meanings. */
  readonly normalized: string;
  /** SHA-256 of `normalized`, as hex. */
  readonly specHash: string;
  /** SHA-256 of what decides the result of an execution, as hex: the steps, what they may reach, and the description when they read it. */
  readonly stepsHash: string;
}

/**
 * Reads a spec as people write it. The order of keys, comments, quotes and anchors make no difference to the hashes; the
 * order of lists does. `source` is how messages name the file.
 * @throws InvalidSpec with everything that is wrong with it.
 */
export function parseSpec(text: string, { source = "spec" }: { readonly source?: string } = {}): ParsedSpec {
  const yaml = readYaml(text);
  if (yaml.problems.length > 0) throw new InvalidSpec(inOrder(yaml.problems), source);
  const document = specSchema.safeParse(yaml.value);
  const findings: readonly Finding[] = [
    ...(document.success ? [] : schemaFindings(document.error.issues, yaml.value)),
    ...referenceFindings(yaml.value),
  ];
  if (!document.success || findings.length > 0) {
    throw new InvalidSpec(inOrder(findings.map((finding) => yaml.locate(finding))), source);
  }
  const spec = normalize(document.data);
  const normalized = canonical(spec);
  return { spec, normalized, specHash: sha256(normalized), stepsHash: sha256(canonical(decisive(spec))) };
}

/** The name is left to those who use the hash: an execution belongs to a campaign anyway. */
function decisive({ steps, description, network }: Spec): unknown {
  const templates = steps.flatMap(({ run, if: condition = "", env, files, outputs }) => [
    run,
    condition,
    ...Object.values(env).filter((value) => typeof value === "string"),
    ...Object.values(files),
    ...Object.values(outputs).map(({ value }) => value),
  ]);
  const readsDescription = templates.some((template) => variablesIn(template).includes("campaign.description"));
  return { steps, ...(readsDescription && { description }), ...(network !== undefined && { network }) };
}

function canonical(value: unknown): string {
  const json = canonicalize(value);
  if (json === undefined) throw new TypeError("a spec is always JSON");
  return json;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
