import { expect, test } from "vitest";
import { isQuotedPath } from "#shared/execution/changes.ts";
import { aJob, treeOfChanges, treeOfPatch } from "./sandbox-world.ts";
import type { SandboxBench } from "./sandbox.contract.ts";

/** One file of every awkward kind. */
const awkward = String.raw`
printf 'plain\n' > plain.txt; printf 'dos\r\nlines\r\n' > dos.txt; : > empty; printf 'no newline' > no-newline
printf '#!/bin/sh\n' > run.sh; chmod 755 run.sh; printf 'x\n' > becomes-executable
ln -s plain.txt link; ln -s /etc/passwd absolute; ln -s nowhere dangling; mkdir -p dir/deep; printf 'deep\n' > dir/deep/file
head -c 3000 /dev/urandom > binary.bin; seq 1 60 > old-name.txt; printf 'gone\n' > deleted.txt
printf 'a\n' > 'with space.txt'; printf 'b\n' > 'ünïcode 文.txt'; printf 'c\n' > "$(printf 'caf\351.txt')"; printf 'q\n' > '"quoted"'
printf 't\n' > "$(printf 'tab\tand\nnewline')"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n' > model.bin
printf '*.bin filter=lfs diff=lfs merge=lfs -text\nhidden.txt export-ignore\n*.txt text eol=crlf\nident.c ident\nminified.js -diff\n' > .gitattributes
printf 'seen\n' > hidden.txt; printf '/* $Id$ */\n' > ident.c; printf 'a\nb\n' > minified.js
printf 'ignored/\n*.log\n' > .gitignore; printf 'kept\n' > tracked.log
printf '[submodule "sub"]\n\tpath = sub\n\turl = https://example.invalid/sub.git\n' > .gitmodules
git update-index --add --cacheinfo 160000,1234567890123456789012345678901234567890,sub; mkdir sub`;

/** What a {@link Sandbox} makes of repositories as people really have them. */
export function sandboxRepositoryContract(bench: () => SandboxBench): void {
  test("a repository of every awkward kind is laid out as it is, byte for byte", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("awkward", awkward);
    const result = await run(
      aJob(source, ["cat hidden.txt ident.c; od -c dos.txt | head -1; readlink link absolute; git status --short"]),
    );
    expect(result.outcome).toEqual({ status: "no-change" });
    const log = await world.log(result);
    expect(log).toContain("seen\n/* $Id$ */\n");
    expect(log).toContain(String.raw`d   o   s  \r  \n`);
    expect(log).toMatch(/plain.txt\n\/etc\/passwd\n$/);
  });

  test("changes of every kind give a patch and files that make the very same tree", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("awkward", awkward);
    const result = await run(
      aJob(source, [
        String.raw`printf 'more\n' >> plain.txt; printf 'more\r\n' >> dos.txt; printf 'now\n' > empty; printf ' more' >> no-newline
chmod +x becomes-executable; chmod -x run.sh; ln -sfn dos.txt link; rm dangling; rm plain2 2>/dev/null; ln -s /etc/shadow new-link
printf 'X' | dd of=binary.bin bs=1 seek=100 conv=notrunc 2>/dev/null; head -c 500 /dev/urandom > new.bin
git mv old-name.txt new-name.txt; rm deleted.txt; printf '\377\376bytes' > latin.txt
printf 'A\n' >> 'with space.txt'; mv 'ünïcode 文.txt' 'ünïcode 字.txt'; printf 'Q\n' >> '"quoted"'
rm -r dir; printf 'a file now\n' > dir; rm empty; mkdir empty; printf 'x\n' > empty/inside
mkdir -p ignored; echo x > ignored/x; echo x > new.log; echo y >> tracked.log; printf 'b\na\n' > minified.js; printf 'z\n' >> ident.c`,
      ]),
    );
    const patch = await world.patch(result);
    expect(await treeOfPatch(world, source, patch.text)).toBe(patch.tree);
    const changes = patch.contents.map((change) =>
      isQuotedPath(change.path) ? { ...change, path: '"quoted"' } : change,
    );
    expect(await treeOfChanges(world, source, changes)).toBe(patch.tree);
    expect(patch.baseTree).toBe((await world.git("awkward", "rev-parse", "HEAD^{tree}")).trim());
    const files = new Map(patch.statistics.files.map((file) => [file.path, file]));
    expect(files.get("new-name.txt")).toMatchObject({ change: "renamed", oldPath: "old-name.txt" });
    expect(files.get("ünïcode 字.txt")).toMatchObject({ change: "renamed", oldPath: "ünïcode 文.txt" });
    expect(files.get("becomes-executable")).toMatchObject({ change: "modified", oldMode: "100644", mode: "100755" });
    expect(files.get("deleted.txt")).toMatchObject({ change: "deleted", mode: "000000", deletions: 1 });
    expect(files.get("binary.bin")).toMatchObject({ binary: true, additions: 0 });
    expect(files.get("minified.js")).toMatchObject({ binary: false, additions: 1, deletions: 1 });
    expect(files.get("new-link")).toMatchObject({ mode: "120000" });
    expect(files.has("new.log") || files.has("ignored/x") || files.has("sub")).toBe(false);
    expect(files.has("tracked.log")).toBe(true);
  });

  test("names that are not UTF-8 survive, as git quotes them", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("awkward", awkward);
    const result = await run(
      aJob(source, [String.raw`for f in caf*.txt tab*; do printf 'more\n' >> "$f"; done; git rm -q '"quoted"'`]),
    );
    const patch = await world.patch(result);
    expect(patch.statistics.files.map(({ path }) => path).sort()).toEqual(
      [String.raw`"\"quoted\""`, String.raw`"caf\351.txt"`, "tab\tand\nnewline"].sort(),
    );
    expect(await treeOfPatch(world, source, patch.text)).toBe(patch.tree);
  });

  test("steps run in their workspace, and see the whole repository around it", async () => {
    const { world, run } = bench();
    const source = await world.addRepository(
      "mono",
      "mkdir -p packages/a packages/b; echo 1 > packages/b/v; echo r > r",
    );
    const job = {
      ...aJob(source, ["cat ../b/v ../../r; echo x > new"]),
      workspace: { path: "packages/a", onlyFetch: false },
    };
    const failed = await run(job);
    // Git keeps no empty directory, so there is no such workspace in this commit.
    expect(failed.outcome).toMatchObject({ status: "failed", retryable: false, failure: { kind: "step-failed" } });
    const inside = { ...aJob(source, job.steps), workspace: { path: "packages/b", onlyFetch: false } };
    const result = await run(inside);
    expect(await world.log(result)).toBe("1\nr\n");
    expect((await world.patch(result)).contents.map(({ path }) => path)).toEqual(["packages/b/new"]);
  });

  test("with onlyFetch a step sees its workspace alone, and the patch still makes the whole tree", async () => {
    const { world, run } = bench();
    const script = "mkdir -p a/b c; echo 1 > a/b/v; echo 2 > a/w; echo 3 > c/x; echo 4 > top";
    const source = await world.addRepository("mono", script);
    const look =
      "cd /workspace 2>/dev/null || cd ../..; git ls-files; git status --porcelain; cd a/b; rm v; echo n > n";
    const job = { ...aJob(source, [look]), workspace: { path: "a/b", onlyFetch: true } };
    const result = await run(job);
    expect(await world.log(result)).toBe("a/b/v\n");
    const patch = await world.patch(result);
    expect(patch.contents.map(({ path }) => path).toSorted()).toEqual(["a/b/n", "a/b/v"]);
    expect(patch.baseTree).toBe((await world.git("mono", "rev-parse", "HEAD^{tree}")).trim());
    expect(await treeOfPatch(world, source, patch.text)).toBe(patch.tree);
    expect(await treeOfChanges(world, source, patch.contents)).toBe(patch.tree);

    const emptied = await world.patch(
      await run({ ...aJob(source, ["rm -r v"]), workspace: { path: "a/b", onlyFetch: true } }),
    );
    expect(await treeOfPatch(world, source, emptied.text)).toBe(emptied.tree);

    const outside = await run({ ...aJob(source, ["echo x > ../../c"]), workspace: { path: "a/b", onlyFetch: true } });
    expect(outside.outcome).toMatchObject({
      status: "failed",
      retryable: false,
      failure: { kind: "outside-workspace", message: expect.stringMatching(/changed c\b.*workspace a\/b/) },
    });
  });

  test("a git repository that a step leaves inside fails with its path", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const commands = [
      "git init -q vendor/lib",
      "git init -q vendor/lib; cd vendor/lib; git -c user.name=a -c user.email=b commit -q --allow-empty -m x",
    ];
    for (const command of commands) {
      const result = await run(aJob(source, [command]));
      expect(result.outcome).toMatchObject({
        failure: { kind: "nested-repository", message: expect.stringContaining("vendor/lib") },
      });
    }
  });

  test("files that a step leaves in a submodule fail with its path", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("awkward", awkward);
    const result = await run(aJob(source, ["echo x > sub/file"]));
    expect(result.outcome).toMatchObject({
      failure: { kind: "nested-repository", message: expect.stringContaining("sub") },
    });
  });

  test("a patch over the limit fails, with the limit", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    const result = await run(aJob(source, ["head -c 300000 /dev/urandom > blob"], { patchBytes: 100_000 }));
    expect(result.outcome).toMatchObject({
      failure: { kind: "patch-too-large", message: expect.stringContaining("100000") },
    });
  });

  test("a repository that does not fit the disk limit fails, with the remedy", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("large", "head -c 9000000 /dev/urandom > blob");
    const result = await run(aJob(source, ["true"], { diskBytes: 4 << 20 }));
    expect(result.outcome).toMatchObject({
      failure: { kind: "checkout", message: expect.stringMatching(/disk limit/) },
    });
  });

  test("an empty repository can be filled", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("empty", "true");
    const patch = await world.patch(await run(aJob(source, ["echo one > README.md"])));
    expect(await treeOfPatch(world, source, patch.text)).toBe(patch.tree);
  });

  test("a tree whose paths reach for git's own files is refused", async () => {
    const { world, run } = bench();
    const source = await world.addRepository("plain", "echo one > README.md");
    for (const name of [".GIT", "..", ".git"]) {
      const blob = (await world.git("plain", "rev-parse", "HEAD:README.md")).trim();
      const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, "hex")]);
      const commit = await world.commitTree("plain", entry);
      const result = await run(aJob({ ...source, commit }, ["ls -la"]));
      expect(result.outcome).toMatchObject({ status: "failed", retryable: false, failure: { kind: "checkout" } });
    }
  });
}
