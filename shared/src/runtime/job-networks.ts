import { z } from "zod";
import type { JobNetwork } from "#shared/adapters/kubernetes/job-settings.ts";
import { networkName } from "#shared/spec/schema/network-schema.ts";
import { fromJson } from "./json-setting.ts";

const networks = z.record(
  networkName,
  z.strictObject({
    hosts: z.record(z.hostname(), z.union([z.ipv4(), z.ipv6()], { error: "expected an IP address" })).default({}),
  }),
);

/** `OCTOBATCH_JOBS_NETWORKS`: JSON; by default there is none. */
export const jobNetworks: z.ZodType<Readonly<Record<string, JobNetwork>>, string | undefined> = fromJson(networks);
