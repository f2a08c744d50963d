import type { CodeHost, CommitDraft, FileChange, Gatekeeper, RepositoryRef } from "../../ports/code-host.ts";
import { purposeIn, type GitHubClient } from "./client.ts";
import type { AccountPurpose } from "./errors.ts";
import type { WorkflowCommits } from "./workflow-commits.ts";

/**
 * What one tree request may hold. GitHub answers 502 for very large ones and takes at most 40 MiB; the rest goes into
 * further trees, each based on the one before.
 */
export const treeLimits = { entries: 1000, sizeBytes: 4 * 1024 * 1024 } as const;

interface TreeEntry {
  readonly path: string;
  readonly mode: "100644" | "100755" | "120000";
  readonly type: "blob";
  readonly content?: string;
  /** Null deletes the path. */
  readonly sha?: string | null;
}

/**
 * Commits without a clone: blobs, trees, commit. Each is named by its content, so making one twice makes nothing new,
 * and what no branch points to is forgotten by GitHub in time.
 */
export function gitData(client: GitHubClient, workflowCommits: WorkflowCommits): Pick<CodeHost, "createCommit"> {
  return {
    async createCommit(repository, draft, gatekeeper = passThrough) {
      const write: GitHubClient["write"] = (...asked) => gatekeeper(() => client.write(...asked));

      const writesWorkflows = draft.changes.some(({ path }) => path.startsWith(".github/workflows/"));
      const purpose = { ...purposeIn(repository, "make a commit in"), writesWorkflows };
      const at = { owner: repository.owner, repo: repository.name };
      let tree = await treeOf(client, repository, draft.parent);
      for (const entries of batches(await entriesOf(write, repository, purpose, draft.changes))) {
        const base = tree;
        const { data } = await write(purpose, ({ request }) =>
          request("POST /repos/{owner}/{repo}/git/trees", { ...at, base_tree: base, tree: entries }),
        );
        tree = data.sha;
      }
      const commit = await write(purpose, ({ request }) =>
        request("POST /repos/{owner}/{repo}/git/commits", {
          ...at,
          message: draft.message,
          tree,
          parents: [draft.parent],
          author: signature(draft),
          committer: signature(draft),
        }),
      );
      if (writesWorkflows) workflowCommits.add(commit.data.sha);
      return { commit: commit.data.sha, tree: commit.data.tree.sha };
    },
  };
}

const passThrough: Gatekeeper = (mutation) => mutation();

async function treeOf(client: GitHubClient, repository: RepositoryRef, commit: string): Promise<string> {
  const purpose = purposeIn(repository, `read the commit ${commit} of`);
  const { data } = await client.read(purpose, ({ request }) =>
    request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", {
      owner: repository.owner,
      repo: repository.name,
      commit_sha: commit,
    }),
  );
  return data.tree.sha;
}

/** Deletions first, so that a directory can become a file and a file a directory. */
async function entriesOf(
  write: GitHubClient["write"],
  repository: RepositoryRef,
  purpose: AccountPurpose,
  changes: readonly FileChange[],
): Promise<readonly TreeEntry[]> {
  const deletions: TreeEntry[] = [];
  const writes: TreeEntry[] = [];
  for (const change of changes) {
    if (change.kind === "delete") {
      // Deleting what is not there is an error at GitHub; the patch was made on this very parent, so it is there.
      deletions.push({ path: change.path, mode: "100644", type: "blob", sha: null });
      continue;
    }
    const { path, mode, content } = change;
    const text = textOf(content);
    const body = text === undefined ? { sha: await blob(write, repository, purpose, content) } : { content: text };
    writes.push({ path, mode, type: "blob", ...body });
  }
  return [...deletions, ...writes];
}

async function blob(
  write: GitHubClient["write"],
  repository: RepositoryRef,
  purpose: AccountPurpose,
  content: Uint8Array,
): Promise<string> {
  const { data } = await write(purpose, ({ request }) =>
    request("POST /repos/{owner}/{repo}/git/blobs", {
      owner: repository.owner,
      repo: repository.name,
      content: Buffer.from(content).toString("base64"),
      encoding: "base64",
    }),
  );
  return data.sha;
}

/** The content as text when JSON carries it unchanged; what is not UTF-8, holds NUL or is large travels as a blob. */
function textOf(content: Uint8Array): string | undefined {
  if (content.byteLength > treeLimits.sizeBytes || content.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

function* batches(entries: readonly TreeEntry[]): Generator<TreeEntry[]> {
  let batch: TreeEntry[] = [];
  let sizeBytes = 0;
  for (const entry of entries) {
    const entryBytes = Buffer.byteLength(entry.content ?? "") + entry.path.length + 100;
    const isFull = batch.length === treeLimits.entries || sizeBytes + entryBytes > treeLimits.sizeBytes;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(entry);
    sizeBytes += entryBytes;
  }
  if (batch.length > 0) yield batch;
}

/** Git keeps whole seconds: with a fraction, the same commit could get another SHA on the way. */
function signature({ author, at }: CommitDraft): { name: string; email: string; date: string } {
  return { ...author, date: at.toISOString().replace(/\.\d+Z$/, "Z") };
}
