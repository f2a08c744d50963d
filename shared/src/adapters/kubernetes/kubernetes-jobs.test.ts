import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AuthorizationV1Api, RbacAuthorizationV1Api, type V1Pod, type V1Role } from "@kubernetes/client-node";
import { beforeEach, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { createProcessSandbox } from "#shared/adapters/process/process-sandbox.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { isolationMissing } from "#shared/testing/isolation.ts";
import { aJob, type SandboxWorld } from "#shared/testing/sandbox-world.ts";
import type { ClusterWorld } from "#test/cluster/cluster-world.ts";
import type { ControlPlane } from "#test/cluster/control-plane.ts";
import { describeJobs } from "#test/cluster/describe-on-cluster.ts";
import { neededRights } from "./rights.ts";

const noProcesses = await isolationMissing("bubblewrap");
const root = fileURLToPath(new URL("../../../..", import.meta.url));

describeJobs("Jobs", (bench) => {
  let plane: ControlPlane;
  let world: SandboxWorld;
  let cluster: ClusterWorld;
  beforeEach(() => {
    ({ plane, world, cluster } = bench());
  });

  const podOf = async (): Promise<V1Pod> => {
    for (;;) {
      const { items } = await cluster.core.listNamespacedPod({ namespace: cluster.namespace });
      if (items[0] !== undefined) return items[0];
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const jobs = async () => (await cluster.batch.listNamespacedJob({ namespace: cluster.namespace })).items;
  const secrets = async () =>
    (await cluster.core.listNamespacedSecret({ namespace: cluster.namespace })).items.map(
      ({ metadata }) => metadata?.name,
    );

  test("a pod holds no token of the code host, no credential of the storage and no secret of a step", async () => {
    world.secrets.set("NPM_TOKEN", "npm-secret-value");
    await cluster.setSecrets(world.secrets);
    const source = await world.addRepository("plain", "echo one > README.md");
    const env = { TOKEN: { secret: "NPM_TOKEN" }, PLAIN: "${{ campaign.name }}" };
    const look = `cat /proc/1/environ /proc/self/environ | tr '\\0' '\\n' | sed 's/npm-secret-value/(the secret)/'
find / -xdev -type f -readable 2>/dev/null | grep -E '^/(octobatch|run|workspace|tmp|dev)' | sort; find /run -type f -exec cat {} + 2>/dev/null; [ "$TOKEN" = npm-secret-value ] && echo "has it"`;
    const job = aJob(source, [{ run: look, env }, "env"]);
    await cluster.open().start(job);
    const pod = await podOf();
    await world.report(job.executionId);
    const result = await world.result(job);
    expect(result.outcome).toMatchObject({ status: "no-change" });

    const spec = JSON.stringify(pod);
    for (const value of [world.server.token, "npm-secret-value"]) expect(spec).not.toContain(value);
    expect(spec).not.toMatch(/ghs_|AWS_|PRIVATE KEY|postgres:/);
    const mounts = (name: string) =>
      [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
        .find((container) => container.name === name)
        ?.volumeMounts?.map((mount) => mount.name);
    expect(mounts("checkout")).toEqual(["job", "source-token", "work", "private"]);
    expect(mounts("conduct")).toEqual(["job", "source-token", "upload-token", "step-secrets", "work", "private"]);
    expect(new Set(mounts("step-0"))).toEqual(new Set(["work", "private"]));
    expect(mounts("end")).toEqual(["private"]);
    // Of the private volume a step sees what is for it alone, and the objects of the base commit.
    const step = pod.spec?.initContainers?.find(({ name }) => name === "step-0");
    expect(step?.volumeMounts?.filter(({ name }) => name === "private")).toEqual([
      { name: "private", mountPath: "/run/octobatch", subPath: "control/0", readOnly: true },
      { name: "private", mountPath: "/run/octobatch/objects", subPath: "git/objects", readOnly: true },
    ]);

    // And as the step itself sees it, from inside.
    const seen = await world.log(result, 0);
    expect(seen).toContain("has it");
    expect(seen).toContain("/run/octobatch/script");
    expect(seen.replace("has it", "")).not.toMatch(/npm-secret-value|ghs_|job\.json|gzip|Bearer/);
    expect(seen).not.toContain(world.server.token);
    expect(await world.log(result, 1)).not.toContain("TOKEN");
  });

  test("a pod that may reach a network is known by its label, and knows its hosts by name", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = { ...aJob(source, ["grep mirror.test /etc/hosts"]), networks: ["mirror"] };
    await cluster.open().start(job);
    await world.report(job.executionId);
    expect(await world.log(await world.result(job))).toMatch(/^192\.0\.2\.7\s+mirror\.test$/m);
    expect((await podOf()).metadata?.labels).toMatchObject({ "network.octobatch.dev/mirror": "allowed" });
  });

  test("a step that cannot run has no container, and no image of it is pulled", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, [
      { run: "exit 1", if: "${{ steps.added_files }}" },
      "echo two > README.md",
      { run: "exit 1", if: "false" },
      { run: "exit 1", if: "${{ previous_step.stdout }}" },
    ]);
    await cluster.open().start(job);
    const containers = (await podOf()).spec?.initContainers?.map(({ name }) => name);
    expect(containers).toEqual(["checkout", "conduct", "step-1", "step-3"]);
    await world.report(job.executionId);
    const result = await world.result(job);
    expect(result.steps.map(({ status }) => status)).toEqual(["skipped", "ran", "skipped", "skipped"]);
    expect(result.outcome.status).toBe("patch");
  });

  test("two starts at once make one Job, with one Secret", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, ["echo two > README.md"]);
    await Promise.all([cluster.open().start(job), cluster.open().start(job), cluster.open().start(job)]);
    expect(await jobs()).toHaveLength(1);
    await world.report(job.executionId);
    expect(world.reports).toEqual([job.executionId]);
  });

  test("a crash between the Job and its Secret is healed by the next start", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, ["true"]);
    const dying = cluster.open({
      clock: {
        now() {
          throw new Error("the process dies");
        },
      },
    });
    await expect(dying.start(job)).rejects.toThrow("the process dies");
    expect(await jobs()).toMatchObject([{ spec: { suspend: true } }]);
    expect(await secrets()).toEqual([]);
    expect(await cluster.open().inspect(job)).toEqual({ status: "unknown" });
    await cluster.open().start(job);
    await world.report(job.executionId);
    expect(await secrets()).toEqual([`${job.executionId}-1`]);
  });

  test("another attempt ends what is left of the one before it", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const first = aJob(source, ["sleep 600"]);
    const sandbox = cluster.open();
    await sandbox.start(first);
    await podOf();
    const second: TransformJob = {
      ...first,
      attempt: 2,
      artifactPrefix: `${first.artifactPrefix}/2`,
      steps: aJob(source, ["true"]).steps,
    };
    await sandbox.start(second);
    await world.report(first.executionId);
    expect(await sandbox.inspect(second)).toEqual({ status: "finished" });
    expect((await jobs()).map(({ metadata }) => metadata?.name)).toEqual([`${first.executionId}-2`]);
  });

  test("the API server may die while a Job runs; whoever asks meanwhile is told, and asks again", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, ["echo two > README.md", "true"]);
    const sandbox = cluster.open();
    await sandbox.start(job);
    await podOf();
    await plane.killApiServer();
    await expect(sandbox.inspect(job)).rejects.toMatchObject({ name: "SandboxUnavailable" });
    await expect(sandbox.start(aJob(source, ["true"]))).rejects.toMatchObject({ name: "SandboxUnavailable" });
    await plane.startApiServer();
    await world.report(job.executionId);
    expect(await sandbox.inspect(job)).toEqual({ status: "finished" });
    expect(await jobs()).toHaveLength(1);
  });

  test("what is handed in is offered again while the artifacts service is away", async () => {
    const source = await world.addRepository("plain", "echo one > README.md");
    cluster.desk.refuse(2);
    const job = aJob(source, ["echo two > README.md"]);
    await cluster.open().start(job);
    await world.report(job.executionId);
    expect((await world.result(job)).outcome.status).toBe("patch");
  });

  test("those who watch see what a step prints while it runs, without secrets", async () => {
    world.secrets.set("TOKEN", "s3cr3t/value");
    await cluster.setSecrets(world.secrets);
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, [{ run: 'echo "first $TOKEN"; sleep 600', env: { TOKEN: { secret: "TOKEN" } } }]);
    const sandbox = cluster.open();
    await sandbox.start(job);
    const shown = () => cluster.desk.live.get(`${job.executionId}/0`) ?? "";
    while (!shown().includes("first")) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(shown()).toBe("first ***TOKEN***\n");
    await sandbox.cancel(job.executionId);
    expect(await jobs()).toEqual([]);
  });

  test("the Role of knative/ is enough, and is no more than what is needed", async () => {
    const { namespace } = cluster;
    const role = await manifest<V1Role>("executor.yaml", "Role");
    const rbac = plane.admin.makeApiClient(RbacAuthorizationV1Api);
    await rbac.createNamespacedRole({ namespace, body: { metadata: { name: "executor" }, rules: role.rules ?? [] } });
    await cluster.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "executor" } } });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "executor" };
    const { status } = await cluster.core.createNamespacedServiceAccountToken({
      namespace,
      name: "executor",
      body: { spec: { audiences: ["https://kubernetes.default.svc"] } },
    });
    const token = status?.token ?? "";
    await expect(cluster.open({ token }).check()).rejects.toThrow(/may not create jobs.*knative\/README/);
    const subjects = [{ kind: "ServiceAccount", name: "executor", namespace }];
    await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name: "executor" }, roleRef, subjects } });
    const sandbox = cluster.open({ token });
    while (
      await sandbox.check().then(
        () => false,
        () => true,
      )
    )
      await new Promise((resolve) => setTimeout(resolve, 20));

    const source = await world.addRepository("plain", "echo one > README.md");
    const [quick, long] = [aJob(source, ["true"]), aJob(source, ["sleep 600"])];
    await sandbox.start(quick);
    await world.report(quick.executionId);
    await sandbox.start({ ...quick, attempt: 2, artifactPrefix: "another" });
    await sandbox.start(long);
    expect(await sandbox.inspect(long)).toMatchObject({ status: "running" });
    await sandbox.cancel(long.executionId);

    const rules = await plane
      .as(token)
      .makeApiClient(AuthorizationV1Api)
      .createSelfSubjectRulesReview({ body: { spec: { namespace } } });
    const granted = (rules.status?.resourceRules ?? []).flatMap(({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.includes("authorization.k8s.io") || apiGroups.includes("authentication.k8s.io")
        ? []
        : resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    );
    const needed = neededRights.flatMap(({ resource, verbs }) => verbs.map((verb) => `${verb} ${resource}`));
    expect(new Set(granted)).toEqual(new Set(needed));
  });

  test.skipIf(noProcesses !== undefined)(
    `the same steps give the same patch as on one machine, byte for byte ${noProcesses ?? ""}`,
    async () => {
      const source = await world.addRepository("kinds", kinds);
      const steps = [
        {
          run: "ls > /tmp/list; cp /tmp/list listed.txt; echo '{\"major\": 24}'",
          outputs: { version: { value: "${{ step.stdout }}", format: "text" as const } },
        },
        changeKinds,
        {
          run: 'cat "$FILE" >> README.md; pwd >> README.md',
          env: { FILE: "/octobatch/x" },
          files: { "/octobatch/x": "v ${{ repository.name }}\n" },
        },
        { run: "exit 1", if: "false" },
      ];
      const onCluster = aJob(source, steps);
      await cluster.open().start(onCluster);
      await world.report(onCluster.executionId);
      const processes = createProcessSandbox({
        codeHost: world.codeHost,
        blobs: world.blobs,
        reported: world.reported,
        secrets: () => undefined,
        workDirectory: join(world.directory, "work"),
        slots: 1,
        clock: systemClock,
      });
      const here = aJob(source, steps);
      await processes.start(here);
      await world.report(here.executionId);
      await processes.close();
      const [there, same] = [
        await world.patch(await world.result(onCluster)),
        await world.patch(await world.result(here)),
      ];
      expect(there.text.length).toBeGreaterThan(2000);
      expect(there.text).toBe(same.text);
      expect(there.contents).toEqual(same.contents);
      expect([there.tree, there.baseTree, there.statistics]).toEqual([same.tree, same.baseTree, same.statistics]);
    },
  );
});

/** Files of several kinds, and what a step does to them; nothing of it is random. */
const kinds = String.raw`printf 'one\n' > README.md; printf 'dos\r\nlines\r\n' > dos.txt; printf 'x\n' > becomes-executable
ln -s README.md link; mkdir dir; printf 'deep\n' > dir/file; seq 1 60 > old-name.txt; printf 'gone\n' > deleted.txt
printf 'b\n' > 'ünïcode 文.txt'; printf 'c\n' > "$(printf 'caf\351.txt')"; seq 1 3000 | gzip -n > binary.bin
printf '*.bin filter=lfs\n*.txt text eol=crlf\n' > .gitattributes; printf 'ignored/\n' > .gitignore`;
const changeKinds = String.raw`printf 'more\r\n' >> dos.txt; chmod +x becomes-executable; ln -sfn dos.txt link; rm -r dir; printf 'file now\n' > dir
git mv old-name.txt new-name.txt; rm deleted.txt; for f in caf*; do printf 'more\n' >> "$f"; done; seq 1 200 | gzip -n > binary.bin
printf '\377\376bytes' > latin.txt; mkdir ignored; echo x > ignored/x; echo y > 'ünïcode 文.txt'`;

async function manifest<Kind>(file: string, kind: string): Promise<Kind> {
  const documents = parseAllDocuments(await readFile(join(root, "knative", file), "utf8")).map((each) => each.toJSON());
  // The API server judges what it is given.
  return documents.find((each: { kind?: string }) => each.kind === kind) as Kind;
}
