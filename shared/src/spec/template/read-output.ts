import * as z from "zod";
import { specLimits } from "../limits.ts";
import { readYaml } from "../yaml/read-yaml.ts";
import type { JsonValue } from "./context.ts";
import { UnrenderableTemplate } from "./unrenderable-template.ts";

/**
 * Reads the rendered value of an output by its format. Programs print what they like: size, depth and YAML aliases are
 * limited as they are for specs.
 * @throws UnrenderableTemplate when it is not what its format says.
 */
export function readOutput(text: string, format: "text" | "json" | "yaml"): JsonValue {
  switch (format) {
    case "text":
      return text;
    case "json":
      return readJson(text);
    case "yaml": {
      const { value, problems } = readYaml(text);
      const [problem] = problems;
      if (problem !== undefined)
        throw new UnrenderableTemplate(`the output is no YAML: line ${problem.line}: ${problem.message}`);
      return jsonOf(value);
    }
  }
}

function readJson(text: string): JsonValue {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UnrenderableTemplate("the output is no JSON", { cause });
  }
  return jsonOf(value);
}

function jsonOf(value: unknown): JsonValue {
  if (isDeeperThan(value, specLimits.nesting)) {
    throw new UnrenderableTemplate(`the output is nested more than ${specLimits.nesting} deep`);
  }
  const json = z.json().safeParse(value);
  if (!json.success) throw new UnrenderableTemplate("the output has a number that JSON does not know, such as .inf");
  return json.data;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}
