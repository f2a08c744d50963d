import { afterAll, beforeAll, describe } from "vitest";
import { sandboxContract } from "#shared/testing/sandbox.contract.ts";
import { openClusterWorld } from "#test/cluster/cluster-world.ts";
import { startControlPlane, type ControlPlane } from "#test/cluster/control-plane.ts";
import { findClusterParts } from "#test/cluster/parts.ts";

const parts = findClusterParts();

describe.skipIf("missing" in parts)(`on a cluster ${"missing" in parts ? parts.missing : ""}`, () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    if ("missing" in parts) return;
    plane = await startControlPlane(parts);
  });
  afterAll(() => plane.stop());

  sandboxContract("the Kubernetes sandbox", async (world) => {
    const cluster = await openClusterWorld(plane, world);
    const sandbox = cluster.open();
    return {
      ...sandbox,
      async start(job) {
        if (world.secrets.size > 0) await cluster.setSecrets(world.secrets);
        await sandbox.start(job);
      },
      close: () => cluster.close(),
    };
  });
});
