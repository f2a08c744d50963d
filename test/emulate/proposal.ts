import type { CommitDraft, RepositoryRef } from "#shared/ports/code-host.ts";
import { personToken, type EmulatedGitHub } from "./emulator.ts";

export type SeededRepository = RepositoryRef & { readonly head: string };

export function draftOn(parent: string, overrides: Partial<CommitDraft> = {}): CommitDraft {
  return {
    parent,
    changes: [{ path: ".nvmrc", kind: "write", mode: "100644", content: Buffer.from("24\n") }],
    message: "Use Node 24\n",
    author: { name: "Octobatch", email: "octobatch@example.com" },
    at: new Date("2026-03-10T12:00:00Z"),
    ...overrides,
  };
}

/** Points a new branch at a commit as a person, by REST: our product does it by GraphQL, which the emulator lacks. */
export async function createBranch(
  github: EmulatedGitHub,
  { owner, name }: RepositoryRef,
  branch: { readonly name: string; readonly commit: string },
): Promise<void> {
  const answer = await github.ask({
    method: "POST",
    path: `/repos/${owner}/${name}/git/refs`,
    token: personToken,
    body: { ref: `refs/heads/${branch.name}`, sha: branch.commit },
  });
  if (!answer.ok) throw new Error(`no branch ${branch.name} was made: ${await answer.text()}`);
}

/** Moves a branch as a person, to a commit beside the old one too. */
export async function forceBranch(
  github: EmulatedGitHub,
  { owner, name }: RepositoryRef,
  branch: { readonly name: string; readonly commit: string },
): Promise<void> {
  const answer = await github.ask({
    method: "PATCH",
    path: `/repos/${owner}/${name}/git/refs/heads/${branch.name}`,
    token: personToken,
    body: { sha: branch.commit, force: true },
  });
  if (!answer.ok) throw new Error(`the branch ${branch.name} was not moved: ${await answer.text()}`);
}

/** A branch with one commit of ours, to open a pull request from. */
export async function proposeOn(github: EmulatedGitHub, repository: SeededRepository, branch: string): Promise<string> {
  const { commit } = await github.codeHost().createCommit(repository, draftOn(repository.head));
  await createBranch(github, repository, { name: branch, commit });
  return commit;
}

export function pullRequestFrom(headBranch: string) {
  return { headBranch, baseBranch: "main", title: "Use Node 24", body: "22 ends in April.", draft: false };
}
