import { nodeId } from "../state/ids.ts";
import type { Site } from "../site.ts";
import type { Repository } from "../state/repository.ts";
import type { Commit, Signature, TreeEntry } from "../git/objects.ts";
import { signatureDate, typeOfMode } from "../git/objects.ts";
import type { Ref } from "../git/git-repository.ts";
import { verificationOf } from "../actions/signing.ts";
import { userShape } from "./account-shape.ts";

function personShape(signature: Signature): object {
  return { name: signature.name, email: signature.email, date: signatureDate(signature) };
}

/** `git-commit` of the OpenAPI description. */
export function gitCommitShape(site: Site, repository: Repository, commit: Commit): Record<string, unknown> {
  const api = `${site.urls.repository(repository)}/git`;
  const page = `${site.urls.page(repository)}/commit`;
  return {
    sha: commit.oid,
    node_id: nodeId("Commit", repository.id, commit.oid),
    url: `${api}/commits/${commit.oid}`,
    html_url: `${page}/${commit.oid}`,
    author: personShape(commit.author),
    committer: personShape(commit.committer),
    tree: { sha: commit.tree, url: `${api}/trees/${commit.tree}` },
    message: commit.message,
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/commits/${sha}`, html_url: `${page}/${sha}` })),
    verification: verificationOf(site.world, commit),
  };
}

/** `commit` of the OpenAPI description: a git commit with the accounts behind it. */
export function commitShape(site: Site, repository: Repository, commit: Commit): Record<string, unknown> {
  const api = `${site.urls.repository(repository)}/commits`;
  const page = `${site.urls.page(repository)}/commit`;
  const account = (signature: Signature): unknown => {
    const found = [...site.world.accounts.values()].find(
      (candidate) => candidate.email !== "" && candidate.email === signature.email,
    );
    return found === undefined ? null : userShape(site.urls, found);
  };
  const git = gitCommitShape(site, repository, commit);
  return {
    sha: commit.oid,
    node_id: git["node_id"],
    url: `${api}/${commit.oid}`,
    html_url: `${page}/${commit.oid}`,
    comments_url: `${api}/${commit.oid}/comments`,
    commit: {
      author: git["author"],
      committer: git["committer"],
      message: commit.message,
      tree: git["tree"],
      url: git["url"],
      comment_count: 0,
      verification: git["verification"],
    },
    author: account(commit.author),
    committer: account(commit.committer),
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/${sha}`, html_url: `${page}/${sha}` })),
  };
}

/** `git-ref` of the OpenAPI description. */
export function refShape(site: Site, repository: Repository, ref: Ref): Record<string, unknown> {
  const api = `${site.urls.repository(repository)}/git`;
  return {
    ref: ref.name,
    node_id: nodeId("Ref", repository.id, ref.name),
    url: `${api}/${ref.name}`,
    object: { sha: ref.oid, type: ref.type, url: `${api}/${ref.type}s/${ref.oid}` },
  };
}

/** One entry of `git-tree`; `size` is known for blobs. */
export function treeEntryShape(
  site: Site,
  repository: Repository,
  path: string,
  entry: TreeEntry,
  size: number | undefined,
): Record<string, unknown> {
  const api = `${site.urls.repository(repository)}/git`;
  const type = typeOfMode(entry.mode);
  return {
    path,
    mode: entry.mode,
    type,
    sha: entry.oid,
    ...(size === undefined ? {} : { size }),
    ...(type === "commit" ? {} : { url: `${api}/${type}s/${entry.oid}` }),
  };
}
