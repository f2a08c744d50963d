import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { freePort } from "#shared/testing/free-port.ts";
import { killProcess } from "#shared/testing/kill-process.ts";
import type { ClusterParts } from "./parts.ts";

const runFile = promisify(execFile);

/** A Kubernetes API server with etcd and the controllers that Jobs need; it has no nodes and no scheduler of its own. */
export interface ControlPlane {
  readonly server: string;
  /** May do everything. */
  readonly admin: KubeConfig;
  /** A client with this bearer token. */
  as(token: string): KubeConfig;
  /** A directory in which our own programs may keep what V8 has compiled, from one pod to the next. */
  readonly compileCache: string;
  /** Kills the API server where it stands. */
  killApiServer(): Promise<void>;
  /** Starts it again, at the same address and with all it knew; resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Ends everything and removes what it kept. */
  stop(): Promise<void>;
}

/** Those that act on Jobs and their pods, and on namespaces. Without the scheduler: a node of the tests binds its pods. */
const controllers = [
  "job-controller",
  "ttl-after-finished-controller",
  "garbage-collector-controller",
  "namespace-controller",
  "serviceaccount-controller",
  "resourcequota-controller",
].join(",");

/** Starts a control plane on free ports of this machine, in a directory of its own. */
export async function startControlPlane(parts: ClusterParts): Promise<ControlPlane> {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-cluster-"));
  const processes = new Map<string, ChildProcess>();
  const path = (name: string): string => join(directory, name);
  const [etcdPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()];
  const server = `https://127.0.0.1:${apiPort}`;
  const adminToken = randomBytes(16).toString("hex");

  const launch = async (name: string, program: string, settings: Readonly<Record<string, string>>): Promise<void> => {
    const argv = Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
    const log = await open(path(`${name}.log`), "a");
    const [first = "", ...rest] = [...dyingWithUs, program, ...argv];
    const child = spawn(first, rest, { stdio: ["ignore", log.fd, log.fd] });
    await log.close();
    processes.set(name, child);
  };
  const kill = async (name: string): Promise<void> => {
    const child = processes.get(name);
    processes.delete(name);
    await killProcess(child);
  };
  const startApiServer = async (): Promise<void> => {
    await launch("kube-apiserver", parts.apiServer, {
      "etcd-servers": `http://127.0.0.1:${etcdPort}`,
      "bind-address": "127.0.0.1",
      "secure-port": String(apiPort),
      "tls-cert-file": path("tls.crt"),
      "tls-private-key-file": path("tls.key"),
      "token-auth-file": path("tokens.csv"),
      "authorization-mode": "RBAC",
      "service-account-issuer": "https://kubernetes.default.svc",
      "service-account-key-file": path("accounts.key"),
      "service-account-signing-key-file": path("accounts.key"),
      "service-cluster-ip-range": "10.96.0.0/16",
    });
    await ready(admin, processes.get("kube-apiserver"), path("kube-apiserver.log"));
  };
  const stop = async (): Promise<void> => {
    for (const name of ["kube-controller-manager", "kube-apiserver", "etcd"]) await kill(name);
    await rm(directory, { recursive: true, force: true });
  };

  await makeKeys(directory);
  const compileCache = path("compile-cache");
  await mkdir(compileCache);
  // Every pod has a user of its own. The keys beside it are for their owner alone.
  await chmod(directory, 0o711);
  await chmod(compileCache, 0o777);
  const certificateAuthority = await readFile(path("tls.crt"), "utf8");
  const as = (token: string): KubeConfig => kubeConfig(server, certificateAuthority, token);
  const admin = as(adminToken);
  await writeFile(path("tokens.csv"), `${adminToken},admin,admin,"system:masters"\n`, { mode: 0o600 });
  await writeFile(path("admin.kubeconfig"), admin.exportConfig(), { mode: 0o600 });
  try {
    await launch("etcd", parts.etcd, {
      "data-dir": path("etcd"),
      "listen-client-urls": `http://127.0.0.1:${etcdPort}`,
      "advertise-client-urls": `http://127.0.0.1:${etcdPort}`,
      "listen-peer-urls": `http://127.0.0.1:${peerPort}`,
      "initial-advertise-peer-urls": `http://127.0.0.1:${peerPort}`,
      "initial-cluster": `default=http://127.0.0.1:${peerPort}`,
      "unsafe-no-fsync": "true",
    });
    await startApiServer();
    await launch("kube-controller-manager", parts.controllerManager, {
      kubeconfig: path("admin.kubeconfig"),
      controllers,
      "service-account-private-key-file": path("accounts.key"),
      "root-ca-file": path("tls.crt"),
      "leader-elect": "false",
      "secure-port": "0",
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    server,
    admin,
    as,
    compileCache,
    killApiServer: () => kill("kube-apiserver"),
    startApiServer,
    stop,
  };
}

/** However this process dies, what begins with these words dies with it. */
const dyingWithUs = ["setpriv", "--pdeathsig", "KILL"];

async function makeKeys(directory: string): Promise<void> {
  const cwd = directory;
  await runFile("openssl", ["genrsa", "-out", "accounts.key", "2048"], { cwd });
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "tls.key"];
  await runFile("openssl", ["req", "-x509", ...key, "-out", "tls.crt", "-days", "2", ...subject], { cwd });
}

function kubeConfig(server: string, certificateAuthority: string, token: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "test", server, caData: Buffer.from(certificateAuthority).toString("base64") }],
    users: [{ name: "user", token }],
    contexts: [{ name: "test", cluster: "test", user: "user" }],
    currentContext: "test",
  });
  return config;
}

/** There is no event for it: the server says itself whether it is ready. */
async function ready(admin: KubeConfig, process: ChildProcess | undefined, log: string): Promise<void> {
  const core = admin.makeApiClient(CoreV1Api);
  for (;;) {
    if (process?.exitCode !== null)
      throw new Error(`kube-apiserver ended:\n${(await readFile(log, "utf8")).slice(-3000)}`);
    try {
      // The default namespace is made by one of the last things that start.
      await core.readNamespace({ name: "default" });
      await core.readNamespace({ name: "kube-system" });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
