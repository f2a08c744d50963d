import type { StepRenderer } from "#shared/adapters/process/step-renderer.ts";
import { renderCondition, renderRun, renderText, renderVariable } from "#shared/spec/template.ts";

/** Renders steps as the spec defines it: values reach a script through its environment, never as part of its text. */
export const stepRenderer: StepRenderer = {
  renderRun(step, context) {
    const { script, env } = renderRun(step.run, context);
    const own = Object.entries(step.env).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, renderVariable(value, context)] as const] : [],
    );
    return { script, env: { ...env, ...Object.fromEntries(own) } };
  },
  renderText,
  renderCondition,
};
