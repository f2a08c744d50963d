import type { Loss } from "#shared/ports/sandbox.ts";

/** The verdict on a transform whose steps want a network that they cannot have here. @param allowed Those they could have. */
export function networkRefused(name: string, allowed: readonly string[]): Loss {
  const there = allowed.length === 0 ? "none" : allowed.join(", ");
  return {
    kind: "infrastructure",
    because:
      `The steps may not reach ${JSON.stringify(name)}: the operator allows ${there}. ` +
      "Ask for OCTOBATCH_JOBS_NETWORKS, which is for Jobs on a cluster, or drop it from network.allow.",
    retryable: false,
  };
}
