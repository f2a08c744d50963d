import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The Kubernetes that tests run against; `install.sh` beside this file builds it. */
const kubernetesVersion = "1.34.4";

/** What a control plane is made of. */
export interface ClusterParts {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllerManager: string;
}

/** Where `install.sh` puts what it builds: outside of the checkout, so that it is built once. */
function cacheDirectory(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "octobatch", `kubernetes-${kubernetesVersion}`);
}

/**
 * The programs of a control plane, or why tests cannot have one here.
 * @throws Error when CI=true, where a missing part is a failure, not a reason to skip.
 */
export function findClusterParts(): ClusterParts | { readonly missing: string } {
  const cache = cacheDirectory();
  const parts: ClusterParts = {
    etcd: "etcd",
    apiServer: join(cache, "kube-apiserver"),
    controllerManager: join(cache, "kube-controller-manager"),
  };
  const absent = [parts.apiServer, parts.controllerManager].filter((path) => !existsSync(path));
  if (spawnSync(parts.etcd, ["--version"], { stdio: "ignore" }).error !== undefined) absent.push("etcd");
  if (absent.length === 0) return parts;
  const missing = `no Kubernetes to test with (${absent.join(", ")}): run test/cluster/install.sh`;
  if (process.env["CI"] === "true") throw new Error(missing);
  return { missing };
}
