import { setTimeout as wait } from "node:timers/promises";
import type { CoreV1Api } from "@kubernetes/client-node";

/** In base64, as Kubernetes keeps it. */
export type SecretData = Readonly<Record<string, string>>;

/** Reads a Secret as the kubelet does: it waits for one that is not there yet, unless the pod can do without. */
export async function readSecret(options: {
  readonly core: CoreV1Api;
  readonly namespace: string;
  readonly name: string;
  readonly isOptional: boolean;
  /** Whether nobody waits for it any more. */
  readonly isOver: () => boolean;
}): Promise<SecretData> {
  const { core, namespace, name, isOptional, isOver } = options;
  for (;;) {
    try {
      return (await core.readNamespacedSecret({ namespace, name })).data ?? {};
    } catch (error) {
      if (isOptional) return {};
      if (isOver()) throw error;
      await wait(100);
    }
  }
}
