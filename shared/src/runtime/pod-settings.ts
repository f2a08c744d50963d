import { z } from "zod";
import type { PodSettings } from "#shared/adapters/kubernetes/job-settings.ts";
import { fromJson } from "./json-setting.ts";

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
