import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { aJob } from "./sandbox-world.ts";
import type { SandboxBench } from "./sandbox.contract.ts";

/** What a hostile step tries, and what a {@link Sandbox} makes of it. */
export function sandboxContainmentContract(bench: () => SandboxBench): void {
  test("a fork bomb runs into the limit of processes, and costs the next transform nothing", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(source, [{ run: "bomb() { bomb | bomb & }; bomb; sleep 1; exit 9", timeoutMs: 10_000 }]),
    );
    expect(result.outcome.status).toBe("failed");
    expect(await world.log(result)).toMatch(/fork|resource/i);
    expect((await run(aJob(source, ["true"]))).outcome.status).toBe("no-change");
  });

  test("a memory bomb is ended", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(aJob(source, ["tail /dev/zero"], { memoryBytes: 96 << 20 }));
    expect(result.outcome).toMatchObject({ status: "failed", retryable: false });
  });

  test.each(["/workspace", "/tmp", "/dev/shm"])("a step that fills %s runs into the disk limit", async (directory) => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(
        source,
        [`dd if=/dev/zero of=${directory}/a bs=1M count=12; dd if=/dev/zero of=${directory}/b bs=1M count=12`],
        {
          diskBytes: 16 << 20,
        },
      ),
    );
    expect(result.outcome).toMatchObject({ failure: { kind: "limit", message: expect.stringContaining("disk") } });
  });

  test("nothing but the workspace, /tmp and /dev/shm can be written", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const places = "/ /usr /usr/bin /etc /var /run /dev /proc /opt /home /root /bin";
    const result = await run(
      aJob(source, [
        `for place in ${places}; do (: > "$place/x") 2>/dev/null && echo "wrote $place"; done; echo tried`,
      ]),
    );
    expect(await world.log(result)).toBe("tried\n");
  });

  test("endless output is cut with a line that says so, and the step goes on", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(aJob(source, ["yes | head -c 1000000000; echo x > done"], { logBytes: 100_000 }));
    const log = await world.log(result);
    expect(log.length).toBeLessThan(101_000);
    expect(log).toMatch(/cut after 100000 bytes/);
    expect(result.steps[0]?.logTruncated).toBe(true);
    expect((await world.patch(result)).contents).toMatchObject([{ path: "done" }]);
  });

  test("a daemon does not outlive its step", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const daemon =
      "setsid sh -c 'trap \"\" TERM HUP; while :; do date > /workspace/alive; sleep 0.1; done' & sleep 0.3";
    const result = await run(aJob(source, [daemon, "rm -f alive; sleep 0.5; ls"]));
    expect(await world.log(result, 1)).toBe("README.md\n");
  });

  test("there is no network: not this machine's, not the git server, not the world", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const job = aJob(source, [
      `for url in ${world.server.url}/plain.git https://github.com/a/b.git http://192.0.2.1/a.git; do
git ls-remote "$url" && echo reached; done; echo tried; cat /proc/net/route | wc -l`,
    ]);
    const result = await run(job);
    const log = await world.log(result);
    expect(log).toContain("tried");
    expect(log).not.toContain("reached");
    // Only the checkout itself came by.
    expect(world.server.requests).toEqual(["POST /plain.git/git-upload-pack"]);
  });

  test("a network that the operator has not named is refused, before a step runs", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run({ ...aJob(source, ["echo two > README.md"]), networks: ["nowhere"] });
    const message = expect.stringMatching(/may not reach "nowhere"/) as string;
    expect(result.outcome).toMatchObject({ status: "failed", retryable: false, failure: { message } });
    expect(result.steps.map(({ status }) => status)).toEqual(["not-reached"]);
  });

  test("the machine's files, other workspaces and our own secrets are out of sight", async () => {
    const { world, run } = bench();
    const marker = join(world.directory, "marker.txt");
    await writeFile(marker, "host secret");
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(source, [
        `cat ${marker} /etc/shadow /root/.ssh/id_rsa; ls /home /root /var/lib; cat /proc/1/environ | tr '\\0' '\\n'; env; cat .git/config
grep -r "$(echo ${world.server.token.replace("_", " ")} | tr ' ' _)" /proc/[0-9]*/environ /workspace /run 2>/dev/null; id -u; echo "ended"`,
      ]),
    );
    const log = await world.log(result);
    expect(log).not.toMatch(/host secret|root:[!*$]|PRIVATE KEY|AUTHORIZATION|extraHeader/i);
    expect(log).not.toContain(world.server.token);
    expect(log).toMatch(/^[1-9]\d*\nended$/m);
  });

  test("privileges cannot be had", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(
      aJob(source, [
        "grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs)' /proc/self/status; mount -t tmpfs x /tmp && echo mounted; chroot / true && echo rooted; kill -9 1; mknod /tmp/disk b 8 0 && echo device; echo tried",
      ]),
    );
    const log = await world.log(result);
    expect(log).not.toMatch(/^(mounted|rooted|device)$/m);
    expect(log).toMatch(/CapEff:\s+0{16}[\s\S]*NoNewPrivs:\s+1[\s\S]*tried/);
  });

  test("symlinks are taken as links, never followed", async () => {
    const { world, run } = bench();
    const marker = join(world.directory, "marker.txt");
    await writeFile(marker, "host secret");
    const source = await world.addRepository("plain", "mkdir src; echo one > src/a; echo two > README.md");
    const result = await run(
      aJob(source, [
        `ln -s ${marker} leak; rm -r src; ln -s ${world.directory} src; ln -sf /etc/passwd README.md; ln -s . loop`,
      ]),
    );
    const patch = await world.patch(result);
    const written = patch.contents.filter((change) => change.kind === "write");
    expect(written.map(({ path, mode }) => [path, mode])).toEqual(
      ["README.md", "leak", "loop", "src"].map((path) => [path, "120000"]),
    );
    expect(patch.contents).toContainEqual({ kind: "delete", path: "src/a" });
    expect(patch.text + JSON.stringify(patch)).not.toContain("host secret");
  });

  test("what a step does to .git has no effect outside of it", async () => {
    const { world, run } = bench();
    const pwned = join(world.directory, "pwned");
    const source = await world.addRepository("plain", "echo one > README.md; echo two > other");
    const tamper = `for hook in pre-commit post-checkout post-index-change reference-transaction; do
printf '#!/bin/sh\\ntouch ${pwned}\\n' > .git/hooks/$hook 2>/dev/null || { mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch ${pwned}\\n' > .git/hooks/$hook; }; chmod +x .git/hooks/$hook; done
git config core.fsmonitor 'touch ${pwned}'; git config filter.evil.clean 'touch ${pwned}; echo filtered'; git config core.worktree /etc
git config diff.evil.textconv 'touch ${pwned}'; git config core.excludesFile /workspace/README.md
echo '* filter=evil diff=evil text eol=crlf working-tree-encoding=UTF-16' > .gitattributes; cp .gitattributes .git/info/attributes
echo '*' > .git/info/exclude; echo /etc > .git/objects/info/alternates; echo changed > other; echo new > new`;
    for (const last of [
      "",
      "; rm -rf .git",
      "; rm -rf .git; echo 'gitdir: /etc' > .git",
      "; rm -rf .git; ln -s /etc .git",
    ]) {
      const patch = await world.patch(await run(aJob(source, [tamper + last])));
      const changed = patch.contents.map((change) => [
        change.path,
        change.kind === "write" ? Buffer.from(change.content).toString() : "",
      ]);
      expect(changed.filter(([path]) => path !== ".gitattributes")).toEqual([
        ["new", "new\n"],
        ["other", "changed\n"],
      ]);
    }
    expect(existsSync(pwned)).toBe(false);
  });

  test("special files and unreadable files do not stop the collection for ever", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(aJob(source, ["mkfifo pipe; echo x > y; mkdir -p a/b; echo z > a/b/c"]));
    expect((await world.patch(result)).contents.map(({ path }) => path)).toEqual(["a/b/c", "y"]);
  });
}
