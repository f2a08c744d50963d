import type { CoreV1Event, KubeConfig, V1Job, V1Pod, V1Secret } from "@kubernetes/client-node";
import { judge, statusOf } from "./cluster-errors.ts";

/** What the sandbox asks of a cluster, in one namespace. Whoever is not answered is told SandboxUnavailable. */
export interface Cluster {
  /** The Job that is there under this name now: this one, or an earlier one. @throws QuotaExceeded, or ClusterRefused. */
  createJob(job: V1Job): Promise<V1Job>;
  /** Lets a suspended Job go. Doing it twice changes nothing. */
  resumeJob(name: string): Promise<void>;
  readJob(name: string): Promise<V1Job | undefined>;
  /** With their pods. Those that are gone already count as deleted. */
  deleteJobs(selector: string): Promise<void>;
  /** Those that match, the ones that are being deleted included. */
  listPods(selector: string): Promise<readonly V1Pod[]>;
  /** Without the time to end by themselves. */
  deletePods(selector: string): Promise<void>;
  /** One that is there already stays as it is. */
  createSecret(secret: V1Secret): Promise<void>;
  /** What the cluster had to say about an object, the latest last. */
  eventsAbout(uid: string): Promise<readonly CoreV1Event[]>;
  /** Whether this may be done in the namespace. */
  may(verb: string, resource: string, group: string): Promise<boolean>;
}

/** A cluster that answers nothing for so long counts as gone. */
const requestTimeoutMs = 15_000;

/**
 * @param load Says where the cluster is and who asks; called once. The client is loaded only when it is needed, since that
 * takes longer than the rest of a start.
 */
export function openCluster(namespace: string, load: () => Promise<KubeConfig>): Cluster {
  let opened: Promise<Clients> | undefined;
  const clients = (): Promise<Clients> => {
    opened ??= connect(load).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };

  async function ask<Answer>(what: string, request: (to: Clients) => Promise<Answer>): Promise<Answer> {
    try {
      return await request(await clients());
    } catch (cause) {
      throw judge(what, namespace, cause);
    }
  }

  return {
    createJob: (body) =>
      ask(`make the Job ${body.metadata?.name}`, async ({ batch }) => {
        const made = await unlessThere(batch.createNamespacedJob({ namespace, body, fieldValidation: "Strict" }));
        return made ?? batch.readNamespacedJob({ namespace, name: body.metadata?.name ?? "" });
      }),
    resumeJob: (name) =>
      ask(`resume the Job ${name}`, async ({ batch, asMergePatch }) => {
        await batch.patchNamespacedJob({ namespace, name, body: { spec: { suspend: false } } }, asMergePatch);
      }),
    readJob: (name) =>
      ask(`read the Job ${name}`, ({ batch }) => unlessMissing(batch.readNamespacedJob({ namespace, name }))),
    deleteJobs: (labelSelector) =>
      ask("delete Jobs", async ({ batch }) => {
        await batch.deleteCollectionNamespacedJob({ namespace, labelSelector, propagationPolicy: "Background" });
      }),
    listPods: (labelSelector) =>
      ask("list pods", async ({ core }) => (await core.listNamespacedPod({ namespace, labelSelector })).items),
    deletePods: (labelSelector) =>
      ask("delete pods", async ({ core }) => {
        await core.deleteCollectionNamespacedPod({ namespace, labelSelector, gracePeriodSeconds: 0 });
      }),
    createSecret: (body) =>
      ask(`make the Secret ${body.metadata?.name}`, async ({ core }) => {
        await unlessThere(core.createNamespacedSecret({ namespace, body, fieldValidation: "Strict" }));
      }),
    eventsAbout: (uid) =>
      ask("list events", async ({ core }) => {
        const { items } = await core.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.uid=${uid}` });
        return items.toSorted((a, b) => lastSeen(a) - lastSeen(b));
      }),
    may: (verb, resource, group) =>
      ask("ask for its own rights", async ({ authorization }) => {
        const resourceAttributes = { namespace, verb, resource, group };
        const answer = await authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
        return answer.status?.allowed ?? false;
      }),
  };
}

type Clients = Awaited<ReturnType<typeof connect>>;

async function connect(load: () => Promise<KubeConfig>) {
  const client = await import("@kubernetes/client-node");
  const config = await load();
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("The configuration names no cluster.");
  const configuration = client.createConfiguration({
    baseServer: new client.ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        async pre(request) {
          request.setSignal(AbortSignal.timeout(requestTimeoutMs));
          return request;
        },
        post: (response) => Promise.resolve(response),
      },
    ],
  });
  return {
    batch: new client.BatchV1Api(configuration),
    core: new client.CoreV1Api(configuration),
    authorization: new client.AuthorizationV1Api(configuration),
    asMergePatch: client.setHeaderOptions("Content-Type", client.PatchStrategy.MergePatch),
  };
}

async function unlessMissing<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function unlessThere<Made>(made: Promise<Made>): Promise<Made | undefined> {
  try {
    return await made;
  } catch (error) {
    if (statusOf(error) === 409) return undefined;
    throw error;
  }
}

function lastSeen(event: CoreV1Event): number {
  return (event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? new Date(0)).getTime();
}
