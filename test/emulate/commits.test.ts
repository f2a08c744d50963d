import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { personToken, startEmulator, type EmulatedGitHub } from "./emulator.ts";
import { createGit, type GitCommit } from "./git.ts";
import { draftOn, forceBranch, proposeOn } from "./proposal.ts";

describe("commits without a clone", () => {
  let github: EmulatedGitHub;
  let directory: string;
  beforeEach(async () => {
    github = await startEmulator();
    directory = await mkdtemp(join(tmpdir(), "octobatch-emulate-"));
  });
  afterEach(async () => {
    await github.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("have the names that git gives them, and the same ones when they are made twice", async () => {
    const repository = await github.repository("acme/api");
    const { head } = repository;
    const draft = draftOn(head, {
      changes: [
        { path: "README.md", kind: "delete" },
        { path: "bin/tool", kind: "write", mode: "100755", content: Uint8Array.of(0x7f, 0x45, 0x00, 0xff, 0xfe) },
        { path: "latin-1.txt", kind: "write", mode: "100644", content: Buffer.from("caf\u00E9\n", "latin1") },
        { path: "src/deep/café.txt", kind: "write", mode: "100644", content: Buffer.from("\uFEFFcafé\r\n") },
        { path: "current", kind: "write", mode: "120000", content: Buffer.from("src/deep") },
      ],
      at: new Date("2026-03-10T12:00:00.999Z"),
    });
    const first = await github.codeHost().createCommit(repository, draft);
    expect(await github.codeHost().createCommit(repository, draft)).toEqual(first);

    const git = await createGit(directory);
    const begun = await git.writeTree([
      { path: "README.md", kind: "write", mode: "100644", content: Buffer.from("# api\n") },
    ]);
    expect(await git.commit(begun, [], await commitOf(head))).toBe(head);
    const tree = await git.writeTree(draft.changes);
    const signature = { ...draft.author, date: "2026-03-10T12:00:00Z" };
    const commit = await git.commit(tree, [head], { ...draft, author: signature, committer: signature });
    expect(first).toEqual({ tree, commit });
  });

  test("are what a branch points to once it is made, and moved to one beside", async () => {
    const repository = await github.repository("acme/api");
    const codeHost = github.codeHost();
    expect(await codeHost.branchHead(repository, "campaign/1")).toBeUndefined();
    const commit = await proposeOn(github, repository, "campaign/1");
    expect(await codeHost.branchHead(repository, "campaign/1")).toBe(commit);
    const beside = await codeHost.createCommit(repository, draftOn(repository.head, { message: "Another\n" }));
    await forceBranch(github, repository, { name: "campaign/1", commit: beside.commit });
    expect(await codeHost.branchHead(repository, "campaign/1")).toBe(beside.commit);
  });

  test("delete only what is there", async () => {
    const repository = await github.repository("acme/api");
    const draft = draftOn(repository.head, { changes: [{ path: "missing", kind: "delete" }] });
    await expect(github.codeHost().createCommit(repository, draft)).rejects.toMatchObject({ kind: "invalid" });
  });

  /** A seeded commit. The emulator shows its message without the line break that it names it by. */
  async function commitOf(sha: string): Promise<GitCommit> {
    const answer = await github.ask({ path: `/repos/acme/api/git/commits/${sha}`, token: personToken });
    // The shape is that of GitHub's "Get a commit object".
    const commit = (await answer.json()) as GitCommit;
    return { ...commit, message: `${commit.message}\n` };
  }
});
