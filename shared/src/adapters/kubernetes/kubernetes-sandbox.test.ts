import { sandboxContract } from "#shared/testing/sandbox.contract.ts";
import { openClusterWorld } from "#test/cluster/cluster-world.ts";
import { describeOnCluster } from "#test/cluster/describe-on-cluster.ts";

describeOnCluster("on a cluster", (plane) => {
  sandboxContract("the Kubernetes sandbox", async (world) => {
    const cluster = await openClusterWorld(plane(), world);
    const sandbox = cluster.open();
    return {
      ...sandbox,
      async start(job) {
        if (world.secrets.size > 0) await cluster.setSecrets(world.secrets);
        return sandbox.start(job);
      },
      close: () => cluster.close(),
    };
  });
});
