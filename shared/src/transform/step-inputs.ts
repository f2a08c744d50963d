import type { SandboxStep, TransformJob } from "#shared/ports/sandbox.ts";
import { renderRun, renderText, renderVariable } from "#shared/spec/template.ts";
import type { JsonValue, TemplateContext } from "#shared/spec/template/context.ts";
import { readOutput } from "#shared/spec/template/read-output.ts";
import { shortestSecretBytes } from "./redactor.ts";
import { checkStepFile, type StepFile } from "./step-files.ts";
import { TransformFailed } from "./transform-failed.ts";

/** A step with its templates rendered. */
export interface StepInputs {
  readonly script: string;
  /** With the values of secrets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly StepFile[];
}

/** Every secret the steps name, with its value. @throws TransformFailed for one that is not there or cannot be redacted. */
export function resolveSecrets(
  job: Pick<TransformJob, "steps">,
  secrets: (name: string) => string | undefined,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [index, step] of job.steps.entries()) {
    for (const value of Object.values(step.env)) {
      if (typeof value === "string") continue;
      const secret = secrets(value.secret);
      if (secret === undefined) {
        const message = `${stepLabel(step, index)} uses the secret ${value.secret}, which is not set. Set it for this installation, or correct the name in the spec.`;
        throw new TransformFailed("unknown-secret", message, { step: index });
      }
      if (Buffer.byteLength(secret.trim()) < shortestSecretBytes) {
        const message = `The secret ${value.secret} is shorter than ${shortestSecretBytes} bytes, too short to be redacted from logs. Use a longer one.`;
        throw new TransformFailed("unknown-secret", message, { step: index });
      }
      found.set(value.secret, secret);
    }
  }
  return found;
}

/** @throws Error, written for people, when a template, a name or a path is wrong. */
export function renderStep(
  step: SandboxStep,
  context: TemplateContext,
  secrets: ReadonlyMap<string, string>,
): StepInputs {
  const { script, env } = renderRun(step.run, context);
  const environment: Record<string, string> = { ...env };
  for (const [name, value] of Object.entries(step.env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new Error(`${JSON.stringify(name)} cannot name an environment variable: use letters, digits and "_".`);
    }
    environment[name] = typeof value === "string" ? renderVariable(value, context) : (secrets.get(value.secret) ?? "");
  }
  const files = Object.entries(step.files).map(([path, content]) => checkStepFile(path, renderText(content, context)));
  return { script, environment, files };
}

/** What a step puts out for later ones. @throws Error naming the output that is wrong. */
export function renderOutputs(step: SandboxStep, context: TemplateContext): Record<string, JsonValue> {
  const outputs: Record<string, JsonValue> = {};
  for (const [name, { value, format }] of Object.entries(step.outputs)) {
    try {
      outputs[name] = readOutput(renderText(value, context), format);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`The output ${name} cannot be read as ${format}: ${reason}`, { cause });
    }
  }
  return outputs;
}

/** How messages call a step. */
export function stepLabel(step: SandboxStep, index: number): string {
  return step.name === undefined ? `Step ${index + 1}` : `Step ${index + 1} (${step.name})`;
}
