import { z } from "zod";
import type { JobNetwork, PodSettings } from "#shared/adapters/kubernetes/job-settings.ts";

const quantity = z
  .string()
  .regex(/^\d+(\.\d+)?(m|[EPTGMk]|[EPTGMK]i)?$/, 'expected a quantity, such as "500m" or "2Gi"');

const shape = z.strictObject({
  nodeSelector: z.record(z.string(), z.string()).optional(),
  tolerations: z
    .array(
      z.strictObject({
        key: z.string().exactOptional(),
        operator: z.enum(["Exists", "Equal"]).exactOptional(),
        value: z.string().exactOptional(),
        effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).exactOptional(),
        tolerationSeconds: z.int().nonnegative().exactOptional(),
      }),
    )
    .optional(),
  priorityClassName: z.string().min(1).optional(),
  runtimeClassName: z.string().min(1).optional(),
  imagePullSecrets: z.array(z.string().min(1)).optional(),
  hostUsers: z.boolean().optional(),
  runAsUser: z.int().positive().optional(),
  cpuRequest: quantity.default("250m"),
  cpuLimit: quantity.default("2"),
  memoryRequest: quantity.default("512Mi"),
  workspaceMedium: z.enum(["disk", "memory"]).default("disk"),
});

/** `OCTOBATCH_JOBS_POD`: JSON, of which everything may be left out. */
export const podSettings: z.ZodType<PodSettings, string | undefined> = fromJson(shape);

const networks = z.record(
  z.string().regex(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/, "expected a name of lower-case letters, digits and -"),
  z.strictObject({
    hosts: z.record(z.hostname(), z.union([z.ipv4(), z.ipv6()], { error: "expected an IP address" })).default({}),
  }),
);

/** `OCTOBATCH_JOBS_NETWORKS`: JSON; by default there is none. */
export const jobNetworks: z.ZodType<Readonly<Record<string, JobNetwork>>, string | undefined> = fromJson(networks);

/** A setting whose value is JSON of this shape, `{}` by default. */
function fromJson<Value>(expected: z.ZodType<Value>): z.ZodType<Value, string | undefined> {
  return z
    .string()
    .default("{}")
    .transform((text, context) => {
      const parsed = expected.safeParse(parseJson(text));
      if (parsed.success) return parsed.data;
      for (const { path, message } of parsed.error.issues) {
        context.addIssue({ code: "custom", message: `${path.join(".") || "it"}: ${message}` });
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
