import type { JsonValue } from "./context.ts";

/** How a value reads as text: nothing for null, JSON for lists and objects. */
export function textOf(value: JsonValue): string {
  if (typeof value === "string") return value;
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Only true and the text `true` count as true. */
export function isTrue(value: JsonValue): boolean {
  return value === true || value === "true";
}

/** The entries of a list as texts. A text is a list of one, and nothing an empty list. */
export function listOf(value: JsonValue): readonly string[] {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(textOf); // isArray forgets readonly arrays
  return value === null || value === "" ? [] : [textOf(value)];
}
