import { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest";
import { openSandboxWorld, type SandboxWorld } from "#shared/testing/sandbox-world.ts";
import { openClusterWorld, type ClusterWorld } from "./cluster-world.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { findClusterParts } from "./parts.ts";

/** Tests over one control plane, which is there from their first hook on; skipped, with the reason, where its parts are missing. */
export function describeOnCluster(subject: string, tests: (plane: () => ControlPlane) => void): void {
  const parts = findClusterParts();
  describe.skipIf("missing" in parts)(`${subject} ${"missing" in parts ? parts.missing : ""}`, () => {
    let plane: ControlPlane;
    beforeAll(async () => {
      if (!("missing" in parts)) plane = await startControlPlane(parts);
    });
    afterAll(() => plane.stop());
    tests(() => plane);
  });
}

/** What a test of Jobs works with: repositories and artifacts, and a namespace with a node for its pods. */
export interface JobsBench {
  readonly plane: ControlPlane;
  readonly world: SandboxWorld;
  readonly cluster: ClusterWorld;
}

/** The same with a bench of its own for each test. */
export function describeJobs(subject: string, tests: (bench: () => JobsBench) => void): void {
  describeOnCluster(subject, (plane) => {
    let bench: JobsBench;
    beforeEach(async () => {
      const world = await openSandboxWorld();
      bench = { plane: plane(), world, cluster: await openClusterWorld(plane(), world) };
    });
    afterEach(async () => {
      await bench.cluster.close();
      await bench.world.close();
    });
    tests(() => bench);
  });
}
