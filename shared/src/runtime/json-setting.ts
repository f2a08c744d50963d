import { z } from "zod";

/** A setting whose value is JSON of this shape, `{}` by default. */
export function fromJson<Value>(expected: z.ZodType<Value>): z.ZodType<Value, string | undefined> {
  return z
    .string()
    .default("{}")
    .transform((text, context) => {
      const parsed = expected.safeParse(parseJson(text));
      if (parsed.success) return parsed.data;
      for (const issue of parsed.error.issues) {
        // Of a wrong name zod says only that it is wrong, and inside of that why.
        const { message } = (issue.code === "invalid_key" ? issue.issues[0] : undefined) ?? issue;
        context.addIssue({ code: "custom", message: `${issue.path.join(".") || "it"}: ${message}` });
      }
      return z.NEVER;
    });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
