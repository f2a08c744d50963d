import * as z from "zod";
import { specLimits } from "../limits.ts";

/** What the operator calls something that steps may reach: part of a Kubernetes label. */
export const networkName = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/, {
  error: "has to be 1 to 40 lower-case letters, digits and -, starting and ending with a letter or digit",
});

export const networkSchema = z
  .strictObject({
    allow: z
      .array(networkName)
      .min(1)
      .max(specLimits.networks)
      .refine((names) => new Set(names).size === names.length, "names a network twice")
      .describe("The names that the operator has given to what may be reached, such as `npm`."),
  })
  .describe("What steps may reach. Without it they have no network. Only on clusters, where the operator allows it.");
