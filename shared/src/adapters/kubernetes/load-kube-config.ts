import type { KubeConfig } from "@kubernetes/client-node";

/** The cluster that this process is a pod of, as its service account; or what a kubeconfig file says. */
export async function loadKubeConfig(file: string | undefined): Promise<KubeConfig> {
  const client = await import("@kubernetes/client-node");
  const config = new client.KubeConfig();
  if (file === undefined) config.loadFromCluster();
  else config.loadFromFile(file);
  return config;
}
