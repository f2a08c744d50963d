import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import type { TransformResult } from "#shared/execution/transform-result.ts";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import { isolationMissing } from "#shared/testing/isolation.ts";
import { aJob, openSandboxWorld, type SandboxWorld } from "#shared/testing/sandbox-world.ts";
import { createBlobStepCache } from "#shared/transform/blob-step-cache.ts";
import { createProcessSandbox, type ProcessSandboxOptions } from "./process-sandbox.ts";

type Steps = Parameters<typeof aJob>[1];

const missing = await isolationMissing("unshare");

describe.skipIf(missing !== undefined)(`steps that ran before ${missing ?? ""}`, () => {
  let world: SandboxWorld;
  let cacheBlobs: BlobStore;
  let source: TransformJob["source"];
  const opened: ReturnType<typeof createProcessSandbox>[] = [];
  const logged: string[] = [];

  beforeEach(async () => {
    logged.length = 0;
    world = await openSandboxWorld();
    cacheBlobs = createMemoryBlobStore();
    source = await world.addRepository(
      "plain",
      "echo one > README.md; mkdir src; echo x > src/x; echo '/built' > .gitignore",
    );
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((sandbox) => sandbox.close()));
    await world.close();
  });

  function open(options: Partial<ProcessSandboxOptions> = {}): ReturnType<typeof createProcessSandbox> {
    const sandbox = createProcessSandbox({
      codeHost: world.codeHost,
      blobs: world.blobs,
      stepCache: createBlobStepCache(cacheBlobs, { warn: (_, message) => logged.push(message) }),
      reported: world.reported,
      secrets: (name) => world.secrets.get(name),
      workDirectory: join(world.directory, "work"),
      slots: 2,
      clock: systemClock,
      ...options,
    });
    opened.push(sandbox);
    return sandbox;
  }

  async function run(steps: Steps, from = source, sandbox = opened[0] ?? open()): Promise<TransformResult> {
    const job = aJob(from, steps);
    await sandbox.start(job);
    await world.report(job.executionId);
    return world.result(job);
  }

  const statuses = (result: TransformResult): string[] => result.steps.map(({ status }) => status);
  const cachedKeys = () => cacheBlobs.list("cache/");

  test("do not run again, and come to the same patch with the same logs", async () => {
    const steps = ["echo two >> README.md; echo said", "rm -r src", "chmod +x README.md"];
    const first = await run(steps);
    const second = await run(steps);
    expect(statuses(first)).toEqual(["ran", "ran", "ran"]);
    expect(statuses(second)).toEqual(["cached", "cached", "cached"]);
    expect((await world.patch(second)).text).toBe((await world.patch(first)).text);
    expect(await world.log(second)).toBe("said\n");
  });

  test("run again from the first one that was edited", async () => {
    await run(["echo a >> README.md", "echo b >> README.md", "echo c >> README.md"]);
    const last = await run(["echo a >> README.md", "echo b >> README.md", "echo C >> README.md"]);
    expect(statuses(last)).toEqual(["cached", "cached", "ran"]);
    expect((await world.patch(last)).text).toContain("+a\n+b\n+C\n");
    const middle = await run(["echo a >> README.md", "echo B >> README.md", "echo C >> README.md"]);
    expect(statuses(middle)).toEqual(["cached", "ran", "ran"]);
    expect((await world.patch(middle)).text).toContain("+a\n+B\n+C\n");
  });

  test("leave everything for the next one, what git ignores and does not know included", async () => {
    const before = `mkdir -p built/deep empty; echo made > built/deep/file; mkfifo /tmp/gone; ln -s built/deep link
chmod 700 empty; printf '#!/bin/sh\\necho tool\\n' > tool; chmod 751 tool; rm src/x; rmdir src; echo in > README.md
git add README.md; printf 'n' > "$(printf 'caf\\351')"; echo text > src`;
    const look = `find . -path ./.git -prune -o -printf '%P %y %m %l\\n' | LC_ALL=C sort; git diff --cached --name-only
./tool; cat built/deep/file link/file src README.md; git log --format=%H`;
    const straight = await run([before, look]);
    await run([before, "true"]);
    const after = await run([before, `${look} # again`]);
    expect(statuses(after)).toEqual(["cached", "ran"]);
    expect(await world.log(after, 1)).toBe(await world.log(straight, 1));
    expect((await world.patch(after)).text).toBe((await world.patch(straight)).text);
  });

  test("give their outputs and what they printed and changed to the steps after them", async () => {
    const first = {
      run: "echo out; echo err >&2; echo x > added",
      outputs: { version: { value: "${{ step.stdout }}", format: "text" as const } },
    };
    const reading = (word: string) =>
      `printf '%s|' ${word} "\${{ outputs.version }}" "\${{ previous_step.stderr }}" "\${{ previous_step.added_files }}" "\${{ steps.added_files }}"`;
    const straight = await run([first, reading("a")]);
    expect(await world.log(straight, 1)).toMatch(/^a\|out.*err.*added.*added/s);
    for (const word of ["b", "c"]) {
      const result = await run([first, reading(word)]);
      expect(statuses(result)).toEqual(["cached", "ran"]);
      expect(await world.log(result, 1)).toBe((await world.log(straight, 1)).replace(/^a/, word));
    }
  });

  test("are asked for the files they changed when a later step begins to read them", async () => {
    await run(["echo x > added", "echo plain"]);
    const result = await run(["echo x > added", 'echo "${{ steps.added_files }}"']);
    expect(statuses(result)).toEqual(["cached", "ran"]);
    expect(await world.log(result, 1)).toBe('["added"]\n');
    expect(statuses(await run(["echo x > added", 'echo "${{ steps.added_files }}"']))).toEqual(["cached", "cached"]);
  });

  test("count for another base commit with the very same files, and for no other", async () => {
    const steps = ["git rev-parse HEAD; cat README.md"];
    const first = await run(steps);
    const same = (await world.git("plain", "commit-tree", "-m", "again", "HEAD^{tree}", "-p", "HEAD")).trim();
    await world.git("plain", "update-ref", "refs/heads/main", same);
    const second = await run(steps, { ...source, commit: same });
    expect(statuses(second)).toEqual(["cached"]);
    expect(await world.log(second)).toBe(await world.log(first));
    const other = await world.addRepository("other", "echo one > README.md");
    expect(statuses(await run(steps, other))).toEqual(["ran"]);
    expect(statuses(await run(steps, { ...source, branch: "next" }))).toEqual(["ran"]);
  });

  test("are kept apart by image, environment, files and workspace", async () => {
    const base = { run: "cat /tmp/f; echo $A; pwd", env: { A: "1" }, files: { "/tmp/f": "f\n" }, image: "alpine:3" };
    await run([base]);
    expect(statuses(await run([{ ...base, timeoutMs: 1_000, name: "Other" }]))).toEqual(["cached"]);
    for (const edit of [{ image: "alpine:4" }, { env: { A: "2" } }, { files: { "/tmp/f": "g\n" } }]) {
      expect(statuses(await run([{ ...base, ...edit }]))).toEqual(["ran"]);
    }
    const job = { ...aJob(source, [base]), workspace: { path: "src", onlyFetch: false } };
    await opened[0]?.start(job);
    await world.report(job.executionId);
    expect(statuses(await world.result(job))).toEqual(["ran"]);
  });

  test("put out what belongs to the campaign and the repository at hand", async () => {
    const first = {
      run: "echo said",
      outputs: {
        name: { value: "${{ repository.name }} ${{ campaign.name }} ${{ step.stdout }}", format: "text" as const },
      },
    };
    await run([first]);
    const twin = await world.addRepository(
      "twin",
      "echo one > README.md; mkdir src; echo x > src/x; echo '/built' > .gitignore",
    );
    const job = { ...aJob(twin, [first]), campaign: { name: "other", description: "" } };
    await opened[0]?.start(job);
    await world.report(job.executionId);
    const result = await world.result(job);
    expect(statuses(result)).toEqual(["cached"]);
    expect(result.steps[0]?.outputs).toEqual({ name: expect.stringMatching(/^acme\/twin other said/) });
  });

  test("are neither kept nor found by a transform that reads a secret, whose redaction is its own", async () => {
    world.secrets.set("TOKEN", "prod-value");
    const plain = "echo hi prod-value > f; cat f";
    const secret = { run: "true", env: { T: { secret: "TOKEN" } } };
    const redacted = await run([plain.replace("> f; cat f", ""), secret]);
    expect(await cachedKeys()).toEqual([]);
    expect(await world.log(redacted)).toBe("hi ***TOKEN***\n");
    const bare = await run([plain.replace("> f; cat f", "")]);
    expect(await world.log(bare)).toBe("hi prod-value\n");
    const again = await run([plain.replace("> f; cat f", ""), secret]);
    expect(statuses(again)).toEqual(["ran", "ran"]);
    expect(await world.log(again)).toBe("hi ***TOKEN***\n");
  });

  test("leave files whose times tell what is newer, and the times that a program gave them", async () => {
    const before = "echo o > x.o; sleep 0.05; echo c > x.c; touch -d 2001-01-01 old; sleep 0.05; echo t > README.md";
    const look = `[ x.c -nt x.o ] && [ x.o -nt .gitignore ] && [ README.md -nt x.c ] && echo order
[ .gitignore -nt old ] && stat -c %Y old; [ src/x -nt x.o ] || echo base`;
    const straight = await run([before, look]);
    expect(await world.log(straight, 1)).toBe("order\n978307200\nbase\n");
    const after = await run([before, `${look} # again`]);
    expect(statuses(after)).toEqual(["cached", "ran"]);
    expect(await world.log(after, 1)).toBe(await world.log(straight, 1));
  });

  test.skipIf(spawnSync("python3", ["--version"]).error !== undefined)(
    "are seen to change a file by way of a memory mapping, which leaves its times as they were",
    async () => {
      const map = `python3 -c "
import mmap
with open('README.md', 'r+b') as file:
    view = mmap.mmap(file.fileno(), 0)
    view[0]
    view[0:3] = b'ONE'
"`;
      const first = await world.patch(await run([map]));
      expect(first.text).toContain("+ONE");
      const second = await run([map, "cat README.md"]);
      expect(statuses(second)).toEqual(["cached", "ran"]);
      expect(await world.log(second, 1)).toBe("ONE\n");
    },
  );

  test("tell what they changed to one that comes after a skipped one, whether they ran or not", async () => {
    const steps = (word: string): Steps => [
      "echo x > added",
      { run: "exit 1", if: "false" },
      `echo ${word} "\${{ previous_step.added_files }}"`,
    ];
    for (const word of ["a", "b"]) {
      const result = await run(steps(word));
      expect(statuses(result)).toEqual([word === "a" ? "ran" : "cached", "skipped", "ran"]);
      expect(await world.log(result, 2)).toBe(`${word} ["added"]\n`);
    }
  });

  test("always run where nothing isolates them, since there they can read anything", async () => {
    const sandbox = open({ isolation: "none" });
    expect(statuses(await run(["echo x > y"], source, sandbox))).toEqual(["ran"]);
    expect(statuses(await run(["echo x > y"], source, sandbox))).toEqual(["ran"]);
    expect(await cachedKeys()).toEqual([]);
  });

  test("are not kept when they fail, or leave what cannot be kept truly", async () => {
    await run(["echo x > y; exit 1"]);
    expect(await cachedKeys()).toEqual([]);
    const steps = ["echo x > a; ln a b", "stat -c %h a"];
    const first = await run(steps);
    expect(await cachedKeys()).toEqual([]);
    const second = await run(steps);
    expect(statuses(second)).toEqual(["ran", "ran"]);
    expect(await world.log(second, 1)).toBe(await world.log(first, 1));
  });

  test("run again when what is kept is damaged, and when the cache is down", async () => {
    const steps = ["echo two >> README.md"];
    const first = await world.patch(await run(steps));
    for (const key of await cachedKeys()) {
      await cacheBlobs.remove(key);
      await cacheBlobs.put(key, Buffer.from("not what it was"));
    }
    const damaged = await run(steps);
    expect(statuses(damaged)).toEqual(["ran"]);
    expect((await world.patch(damaged)).text).toBe(first.text);
    expect(statuses(await run(steps))).toEqual(["cached"]);
    Object.assign(cacheBlobs, {
      get: () => Promise.reject(new Error("down")),
      put: () => Promise.reject(new Error("down")),
    });
    expect(statuses(await run(steps))).toEqual(["ran"]);
    expect(logged).toEqual(expect.arrayContaining([expect.stringContaining("runs instead")]));
  });

  test("run again once the machine has another program", async () => {
    const tools = join(world.directory, "tools");
    await mkdir(tools);
    const tool = async (says: string) => writeFile(join(tools, "tool"), `#!/bin/sh\necho ${says}\n`, { mode: 0o755 });
    await tool("old");
    await run(["tool"], source, open({ toolDirectories: [tools] }));
    expect(statuses(await run(["tool"], source, open({ toolDirectories: [tools] })))).toEqual(["cached"]);
    await tool("newer");
    const result = await run(["tool"], source, open({ toolDirectories: [tools] }));
    expect(statuses(result)).toEqual(["ran"]);
    expect(await world.log(result)).toBe("newer\n");
  });
});
