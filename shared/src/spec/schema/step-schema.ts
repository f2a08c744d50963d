import * as z from "zod";
import { durationObjection } from "../duration.ts";
import { specLimits } from "../limits.ts";
import { sandboxPathObjection } from "../sandbox-path.ts";
import { lineOfText, text } from "./text.ts";

const variableName = text(128, (name) => {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return { message: "is no name of a variable", remedy: "use letters, digits and _" };
  }
  if (name.toUpperCase().startsWith("OCTOBATCH_")) {
    return { message: "is reserved", remedy: "choose a name that does not start with OCTOBATCH_" };
  }
  return undefined;
});

const secretName = text(128, (name) =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? undefined
    : { message: "is no name of a secret", remedy: "use letters, digits and _, such as NPM_TOKEN" },
);

const outputName = text(64, (name) =>
  /^[A-Za-z][A-Za-z0-9_]*$/.test(name)
    ? undefined
    : { message: "is no name of an output", remedy: "start with a letter, and use letters, digits and _" },
);

const environment = z.record(
  variableName,
  z.union([
    text(specLimits.valueBytes).describe("A template."),
    z.strictObject({ secret: secretName.describe("The name of a secret that the operator has set.") }),
  ]),
);

const output = z.strictObject({
  value: text(specLimits.runCharacters).describe("A template, such as `${{ step.stdout }}`."),
  format: z
    .enum(["text", "json", "yaml"])
    .default("text")
    .describe("How the value is read. With json and yaml, later templates can read its fields: `outputs.NAME.field`."),
});

export const stepSchema = z
  .strictObject({
    name: lineOfText(specLimits.stepNameCharacters)
      .optional()
      .describe("What people see of the step; by default its number."),
    run: text(specLimits.runCharacters, (script) => (script.trim() === "" ? { message: "is empty" } : undefined))
      .min(1)
      .describe("A script for sh, run at the root of the workspace. A template whose values come as variables."),
    image: text(specLimits.imageCharacters, imageObjection)
      .min(1)
      .describe("The container image that the script runs in; it needs sh."),
    env: environment
      .refine((variables) => Object.keys(variables).length <= specLimits.envVariables, {
        error: `has more than ${specLimits.envVariables} variables`,
      })
      .default({})
      .describe("Environment variables: templates, or the names of secrets."),
    files: z
      .record(text(specLimits.filePathCharacters, sandboxPathObjection), text(specLimits.specBytes))
      .refine((files) => Object.keys(files).length <= specLimits.filesPerStep, {
        error: `has more than ${specLimits.filesPerStep} files`,
      })
      .default({})
      .describe("Files to place in the sandbox before the step: absolute path and the template of the content."),
    timeout: text(16, durationObjection)
      .default("10m")
      .describe("How long the step may take: 500ms, 90s, 5m, 1h; at most 1h."),
    if: z
      .union([z.string().max(specLimits.expressionCharacters + 16), z.boolean()])
      .optional()
      .describe("The step runs only when this renders to true; by default always."),
    outputs: z
      .record(outputName, output)
      .refine((outputs) => Object.keys(outputs).length <= specLimits.outputsPerStep, {
        error: `has more than ${specLimits.outputsPerStep} outputs`,
      })
      .default({})
      .describe("Values that later steps and the pull request can read as `outputs.NAME`."),
  })
  .describe("A script, run in a container over the checked-out repository.");

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests, with a registry before it. */
function imageObjection(image: string): { message: string; remedy: string } | undefined {
  const parts = /^(?:[a-z0-9.-]+(?::\d{1,5})?\/)?([a-z0-9._/-]+)(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/i.exec(
    image,
  );
  const names = parts?.[1]?.split("/") ?? [""];
  return names.every((name) => /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/.test(name))
    ? undefined
    : { message: "is no container image", remedy: "write it as in node:24 or registry.example.com/team/image:1.2" };
}
