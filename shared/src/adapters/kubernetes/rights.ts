import type { Cluster } from "./cluster.ts";

/** All that the sandbox does in the Jobs' namespace: knative/ grants this and no more, and a test holds it to it. */
export const neededRights = [
  { group: "batch", resource: "jobs", verbs: ["create", "get", "patch", "deletecollection"] },
  { group: "", resource: "pods", verbs: ["list", "deletecollection"] },
  { group: "", resource: "secrets", verbs: ["create"] },
  { group: "", resource: "events", verbs: ["list"] },
] as const;

/** What of it is not allowed, in words. */
export async function missingRights(cluster: Pick<Cluster, "may">): Promise<readonly string[]> {
  const rights = neededRights.flatMap(({ group, resource, verbs }) => verbs.map((verb) => ({ group, resource, verb })));
  const answers = await Promise.all(rights.map(({ verb, resource, group }) => cluster.may(verb, resource, group)));
  return rights.flatMap(({ verb, resource }, index) => (answers[index] === true ? [] : [`${verb} ${resource}`]));
}
