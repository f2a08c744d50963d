import { describe, expect, test } from "vitest";
import { BranchMoved, CodeHostRefused, type FileChange, type RepositoryRef } from "../ports/code-host.ts";
import type { CodeHostStage } from "./code-host.contract.ts";

const branch = "campaign/1/api";
const signature = {
  message: "Pin the licence\n\nBecause of naïve law.",
  author: { name: "Octobatch", email: "octobatch@example.com" },
  at: new Date("2030-01-02T03:04:05.678Z"),
};

/** What a code host promises of commits that are made with git itself. */
export function pushCommitContract(stage: () => CodeHostStage): void {
  const write = (path: string, content: string, mode: "100644" | "100755" | "120000" = "100644"): FileChange => ({
    kind: "write",
    path,
    mode,
    content: Buffer.from(content),
  });

  /** A repository, and a draft of a commit on its only branch, with the tree that the API makes of it. */
  async function drafted(...changes: readonly FileChange[]) {
    const { codeHost } = stage();
    await stage().addRepository({ name: "api", files: { a: "old", "dir/b": "" } });
    const found = await codeHost.findRepositories({
      organization: "acme",
      repositories: [{ name: "api" }],
      files: [],
    });
    const [repository] = found.repositories;
    if (repository?.branch === undefined) throw new Error("acme/api was not found");
    const draft = { ...signature, parent: repository.branch.commit, changes };
    const { commit, tree } = await codeHost.createCommit(repository, draft);
    return { codeHost, repository, commit, draft: { ...draft, tree } };
  }

  const heads = (repository: RepositoryRef) => stage().codeHost.branchHead(repository, branch);

  describe("pushes commits: it", () => {
    test("makes the very commit that the API makes, whatever the changes, and points the branch at it", async () => {
      const { codeHost, repository, commit, draft } = await drafted(
        write("a", "new\r\n"),
        write("naïve 🎈", "\u{feff}text"),
        write("bin/run", "#!/bin/sh\n", "100755"),
        write("link", "bin/run", "120000"),
        write("dir", "a file now"),
        { kind: "delete", path: "dir/b" },
      );
      expect(await codeHost.pushCommit(repository, draft, { branch, from: undefined })).toEqual({
        commit,
        tree: draft.tree,
      });
      expect(await heads(repository)).toBe(commit);
    });

    test("changes nothing when it is done twice", async () => {
      const { codeHost, repository, commit, draft } = await drafted(write("a", "new"));
      for (let time = 0; time < 2; time += 1) {
        expect(await codeHost.pushCommit(repository, draft, { branch, from: undefined })).toMatchObject({ commit });
      }
      expect(await heads(repository)).toBe(commit);
    });

    test("moves a branch from where it was left, to a commit beside that one", async () => {
      const { codeHost, repository, commit, draft } = await drafted(write("a", "new"));
      await stage().pushAsHuman("api", branch, { a: "left here" });
      const from = await heads(repository);
      await codeHost.pushCommit(repository, draft, { branch, from });
      expect(await heads(repository)).toBe(commit);
    });

    test("never overwrites what somebody else pushed", async () => {
      const { codeHost, repository, draft } = await drafted(write("a", "new"));
      const theirs = await stage().pushAsHuman("api", branch, { a: "by hand" });
      for (const from of [undefined, draft.parent]) {
        await expect(codeHost.pushCommit(repository, draft, { branch, from })).rejects.toBeInstanceOf(BranchMoved);
      }
      expect(await heads(repository)).toBe(theirs);
    });

    test("makes no branch anew that somebody has deleted", async () => {
      const { codeHost, repository, draft } = await drafted(write("a", "new"));
      const push = codeHost.pushCommit(repository, draft, { branch, from: draft.parent });
      await expect(push).rejects.toBeInstanceOf(BranchMoved);
      expect(await heads(repository)).toBeUndefined();
    });

    test("refuses changes that make another tree, and pushes nothing", async () => {
      const { codeHost, repository, draft } = await drafted(write("a", "new"));
      const other = { ...draft, changes: [write("a", "other")] };
      const push = codeHost.pushCommit(repository, other, { branch, from: undefined });
      await expect(push).rejects.toMatchObject({ kind: "invalid", message: expect.stringContaining(draft.tree) });
      expect(await heads(repository)).toBeUndefined();
    });

    test("pushes nothing that the gatekeeper does not let through", async () => {
      const { codeHost, repository, draft } = await drafted(write("a", "new"));
      const closed = new Error("the campaign is paused");
      const push = codeHost.pushCommit(repository, draft, { branch, from: undefined }, () => Promise.reject(closed));
      await expect(push).rejects.toBe(closed);
      expect(await heads(repository)).toBeUndefined();
    });

    test("respects branch protection, and an archive", async () => {
      const { codeHost, repository, draft } = await drafted(write("a", "new"));
      const refusal = async () => {
        const error: unknown = await codeHost
          .pushCommit(repository, draft, { branch, from: undefined })
          .catch((error: unknown) => error);
        return error instanceof CodeHostRefused ? error.kind : error;
      };
      await stage().protectBranch("api", branch);
      expect(await refusal()).toBe("protected");
      await stage().archive("api");
      expect(await refusal()).toBe("archived");
    });

    test("finds a repository by its former name", async () => {
      const { codeHost, repository, commit, draft } = await drafted(write("a", "new"));
      await stage().rename("api", "service");
      await codeHost.pushCommit(repository, draft, { branch, from: undefined });
      expect(await heads(repository)).toBe(commit);
    });
  });
}
