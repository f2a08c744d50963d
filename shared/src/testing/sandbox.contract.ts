import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Sandbox, TransformJob } from "#shared/ports/sandbox.ts";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import { sandboxContainmentContract } from "./sandbox-containment.contract.ts";
import { sandboxRepositoryContract } from "./sandbox-repository.contract.ts";
import { aJob, openSandboxWorld, type SandboxWorld } from "./sandbox-world.ts";

/** Makes the sandbox of one test, which reads and reports to the world it is given. */
export type OpenSandbox = (world: SandboxWorld) => Promise<Sandbox & { close(): Promise<void> }>;

/** What a test of the contract works with. */
export interface SandboxBench {
  readonly world: SandboxWorld;
  readonly sandbox: Sandbox;
  /** Starts the job and waits for its report. */
  readonly run: (job: TransformJob) => Promise<TransformResult>;
}

/** What every {@link Sandbox} promises. `open` is called once a test. */
export function sandboxContract(name: string, open: OpenSandbox): void {
  describe(name, () => {
    let world: SandboxWorld;
    let sandbox: Sandbox & { close(): Promise<void> };
    const run = async (job: TransformJob): Promise<TransformResult> => {
      await sandbox.start(job);
      await world.report(job.executionId);
      return world.result(job);
    };
    beforeEach(async () => {
      world = await openSandboxWorld();
      sandbox = await open(world);
    });
    afterEach(async () => {
      await sandbox.close();
      await world.close();
    });

    describe("steps", () => {
      stepsContract(() => ({ world, sandbox, run }));
    });
    describe("life", () => {
      lifeContract(() => ({ world, sandbox, run }));
    });
    describe("repositories", () => {
      sandboxRepositoryContract(() => ({ world, sandbox, run }));
    });
    describe("containment", () => {
      sandboxContainmentContract(() => ({ world, sandbox, run }));
    });
  });
}

function stepsContract(bench: () => SandboxBench): void {
  test("what the steps changed comes out as a patch, in the order they ran", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "printf 'one\\n' > README.md");
    const result = await run(aJob(source, ["echo two >> README.md", "sed -i s/two/three/ README.md; echo new > NEW"]));
    const patch = await world.patch(result);
    expect(patch.statistics).toMatchObject({ filesChanged: 2, additions: 2, deletions: 0 });
    expect(patch.text).toContain("+three");
    expect(patch.contents).toContainEqual({
      path: "README.md",
      kind: "write",
      mode: "100644",
      content: new TextEncoder().encode("one\nthree\n"),
    });
    expect(result.steps.map(({ status, exitCode }) => [status, exitCode])).toEqual([
      ["ran", 0],
      ["ran", 0],
    ]);
  });

  test("steps that leave everything as it was make no patch", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(aJob(source, ["touch README.md; echo x > /tmp/x; cat README.md"]));
    expect(result.outcome).toEqual({ status: "no-change" });
    expect(await world.log(result)).toBe("one\n");
  });

  test("a step that fails ends the transform with its exit code and last words", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(source, ["echo kept; echo x > y", { name: "Lint", run: "echo 'no such rule' >&2; exit 3" }, "true"]),
    );
    expect(result.outcome).toMatchObject({
      status: "failed",
      retryable: false,
      failure: {
        kind: "step-failed",
        step: 1,
        message: expect.stringMatching(/Step 2 \(Lint\).*code 3.*no such rule/),
      },
    });
    expect(result.steps.map(({ status }) => status)).toEqual(["ran", "failed", "not-reached"]);
    expect(await world.log(result, 0)).toBe("kept\n");
    expect(await world.log(result, 1)).toBe("no such rule\n");
  });

  test("a step that takes too long is ended and named, with what it had printed", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(source, [{ run: "echo begun; (trap '' TERM; sleep 600) & sleep 600", timeoutMs: 1500 }]),
    );
    expect(result.outcome).toMatchObject({
      status: "failed",
      retryable: false,
      failure: { kind: "step-timeout", step: 0 },
    });
    expect(result.steps[0]?.status).toBe("timed-out");
    expect(await world.log(result)).toBe("begun\n");
  });

  test("a step sees its environment, its files and what earlier steps put out, and none of it enters the patch", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(source, [
        {
          run: 'echo "{\\"major\\": 24}"; echo x > added.txt',
          outputs: { version: { value: "${{ step.stdout }}", format: "json" } },
        },
        {
          run: 'printf "%s|%s|%s|" "$GREETING" "$(cat /tmp/in/a.txt)" "$(cat /octobatch/b.txt)"; echo "${{ steps.added_files }}"',
          env: { GREETING: "it's ${{ campaign.name }}" },
          files: {
            "/tmp/in/a.txt": "A of ${{ repository.owner }}",
            "/octobatch/b.txt": "B${{ outputs.version.major }}",
          },
        },
      ]),
    );
    expect(await world.log(result, 1)).toBe(`it's licence|A of acme|B24|["added.txt"]\n`);
    expect(result.steps[0]?.outputs).toEqual({ version: { major: 24 } });
    expect((await world.patch(result)).statistics.files.map(({ path }) => path)).toEqual(["added.txt"]);
  });

  test.each(["/workspace/x", "/tmp/../etc/passwd", "/proc/1/x", "relative", "/dev/null", "/etc/passwd", "/tmp//x"])(
    "a file that would be placed at %s is refused, by name",
    async (path) => {
      const { world, run } = bench();
      const source = await world.addRepository("plain", "echo one > README.md");
      const result = await run(aJob(source, [{ run: "true", files: { [path]: "x" } }]));
      expect(result.outcome).toMatchObject({
        failure: { kind: "template", step: 0, message: expect.stringContaining(path) },
      });
    },
  );

  test("a step whose condition does not hold is skipped", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(source, [
        "echo x > made",
        { run: "exit 1", if: "${{ campaign.name }}" },
        { run: "echo y > made", if: "true" },
      ]),
    );
    expect(result.steps.map(({ status }) => status)).toEqual(["ran", "skipped", "ran"]);
    expect((await world.patch(result)).contents).toMatchObject([{ path: "made" }]);
  });

  test("nothing is fetched when no step is going to run", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(source, [
        { run: "exit 1", if: "false" },
        { run: "exit 1", if: "${{ steps.added_files }}" },
      ]),
    );
    expect(result.outcome).toEqual({ status: "no-change" });
    expect(world.server.requests).toEqual([]);
  });

  test("a secret is redacted from logs and outputs, encoded and cut in two as well, and never leaves in a patch", async () => {
    const { world, run } = bench();
    world.secrets.set("TOKEN", "s3cr3t/value+1");
    const source = await world.addRepository("plain", "echo one > README.md");
    const env = { TOKEN: { secret: "TOKEN" } };
    const printed = `echo "plain $TOKEN"; printf %s "$TOKEN" | base64; printf 'u:%s' "$TOKEN" | base64
printf 's3cr3t'; sleep 0.3; printf '/value+1\\n'; echo 's3cr3t%2Fvalue%2B1' >&2`;
    const outputs = { all: { value: "${{ step.stdout }}", format: "text" as const } };
    const result = await run(aJob(source, [{ run: printed, env, outputs }]));
    const everything = (await world.log(result)) + JSON.stringify(result);
    expect(everything.match(/\*\*\*TOKEN\*\*\*/g)?.length).toBeGreaterThanOrEqual(9);
    for (const form of ["s3cr3t", "value", Buffer.from("s3cr3t/value+1").toString("base64").slice(0, 8)]) {
      expect(everything).not.toContain(form);
    }

    const leak = await run(
      aJob(source, [{ run: 'echo "$TOKEN" > token.txt; gzip token.txt; echo "$TOKEN" > b', env }]),
    );
    expect(leak.outcome).toMatchObject({
      failure: { kind: "secret-in-patch", message: expect.stringContaining("TOKEN") },
    });
    expect(await world.blobs.list(`campaign/1/repository/${leak.executionId}/`)).not.toContainEqual(
      expect.stringContaining("patch.diff"),
    );
  });

  test("a secret that is not set fails the execution by its name", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(aJob(source, [{ run: "true", env: { A: { secret: "NOWHERE" } } }]));
    expect(result.outcome).toMatchObject({
      failure: { kind: "unknown-secret", step: 0, message: expect.stringContaining("NOWHERE") },
    });
  });
}

function lifeContract(bench: () => SandboxBench): void {
  test("a transform that was never started is unknown, then it runs, then it is finished", async () => {
    const { world, sandbox } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, ["echo x > y"]);
    expect(await sandbox.inspect(job)).toMatchObject({ status: "unknown" });
    await sandbox.start(job);
    expect(await sandbox.inspect(job)).toMatchObject({ status: "running" });
    await world.report(job.executionId);
    expect(await sandbox.inspect(job)).toMatchObject({ status: "finished" });
  });

  test("starting it twice, at once or after its end, runs it once", async () => {
    const { world, sandbox } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, ["echo x > y"]);
    await Promise.all([sandbox.start(job), sandbox.start(job)]);
    await world.report(job.executionId);
    const keys = await world.blobs.list(`${job.artifactPrefix}/`);
    await sandbox.start(job);
    const other = aJob(source, ["true"]);
    await sandbox.start(other);
    await world.report(other.executionId);
    expect(world.reports).toEqual([job.executionId, other.executionId]);
    expect(await world.blobs.list(`${job.artifactPrefix}/`)).toEqual(keys);
  });

  test("a cancelled transform ends without a result or a report, and can be started again", async () => {
    const { world, sandbox } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, ["sleep 600"]);
    await sandbox.start(job);
    await sandbox.cancel(job.executionId);
    await sandbox.cancel(job.executionId);
    await sandbox.cancel("another");
    expect(await sandbox.inspect(job)).toMatchObject({ status: "unknown" });
    expect(world.reports).toEqual([]);
    await sandbox.start({ ...job, steps: aJob(source, ["echo x > y"]).steps });
    await world.report(job.executionId);
    expect((await world.result(job)).outcome.status).toBe("patch");
  });

  test("many at once all end, each with its own result", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const jobs = Array.from({ length: 6 }, (_, index) => aJob(source, [`echo ${index} > n`]));
    const results = await Promise.all(jobs.map(run));
    const contents = await Promise.all(results.map(async (result) => (await world.patch(result)).contents[0]));
    expect(contents.map((change) => (change?.kind === "write" ? Buffer.from(change.content).toString() : ""))).toEqual(
      jobs.map((_, index) => `${index}\n`),
    );
  });

  test("a commit that is gone fails for good, a server that does not answer may be tried again", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const gone = await run(aJob({ ...source, commit: "1".repeat(40) }, ["true"]));
    expect(gone.outcome).toMatchObject({ retryable: false, failure: { kind: "checkout" } });
    await world.server.close();
    const down = await run(aJob(source, ["true"]));
    expect(down.outcome).toMatchObject({ retryable: true, failure: { kind: "checkout" } });
    expect(JSON.stringify([gone, down])).not.toContain(world.server.token);
  });
}
