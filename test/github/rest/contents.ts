import { notFound } from "../http/refusal.ts";
import type { TreeEntry } from "../git/objects.ts";
import type { Repository } from "../state/repository.ts";
import { needs } from "../state/permissions.ts";
import { param, repositoryRoute, type RepositoryRequest, type RestAnswer, type Route } from "./route.ts";
import { Refusal } from "../http/refusal.ts";

/** The most bytes whose content the JSON representation carries; up to 100 MB GitHub leaves it empty. */
const inlineBytes = 1024 * 1024;

/** Files and folders by path. */
export const contentRoutes: readonly Route[] = [
  repositoryRoute("GET /repos/{owner}/{repo}/contents/{path}", [needs("contents", "read")], getContent),
];

async function getContent(request: RepositoryRequest): Promise<RestAnswer> {
  const { repository } = request;
  const path = param(request, "path").replaceAll(/^\/+|\/+$/g, "");
  const ref = request.query.get("ref") ?? (await repository.git.headBranch());
  const commit = await resolveCommit(repository, ref);
  if (commit === undefined) {
    const isEmpty = (await repository.git.refs("refs/heads/")).length === 0;
    throw new Refusal(404, isEmpty ? "This repository is empty." : `No commit found for the ref ${ref}`);
  }
  const entry = await repository.git.entryAt(commit.tree, path);
  if (entry === undefined) throw notFound();
  if (entry.mode !== "040000") return { status: 200, body: await fileShape(request, path, ref, entry, true) };
  const entries = (await repository.git.tree(entry.oid)) ?? [];
  const prefix = path === "" ? "" : `${path}/`;
  return {
    status: 200,
    body: await Promise.all(entries.map((child) => fileShape(request, `${prefix}${child.name}`, ref, child, false))),
  };
}

async function resolveCommit(repository: Repository, ref: string): Promise<{ readonly tree: string } | undefined> {
  for (const name of [`refs/heads/${ref}`, `refs/tags/${ref}`, ref]) {
    const oid = /^[0-9a-f]{40}$/.test(name) ? name : await repository.git.refOid(name);
    const commit = oid === undefined ? undefined : await repository.git.commit(oid);
    if (commit !== undefined) return commit;
  }
  return undefined;
}

async function fileShape(
  request: RepositoryRequest,
  path: string,
  ref: string,
  entry: TreeEntry,
  withContent: boolean,
): Promise<Record<string, unknown>> {
  const { site, repository } = request;
  const encodedPath = path.split("/").map(encodeURIComponent).join("/");
  const url = `${site.urls.repository(repository)}/contents/${encodedPath}?ref=${encodeURIComponent(ref)}`;
  const kind = entry.mode === "040000" ? "tree" : "blob";
  const gitUrl = `${site.urls.repository(repository)}/git/${kind}s/${entry.oid}`;
  const page = `${site.urls.page(repository)}/${kind}/${encodeURIComponent(ref)}/${encodedPath}`;
  const common = {
    name: entry.name,
    path,
    sha: entry.oid,
    url,
    html_url: page,
    git_url: gitUrl,
    download_url:
      kind === "tree" ? null : `${site.urls.page(repository)}/raw/${encodeURIComponent(ref)}/${encodedPath}`,
    _links: { self: url, git: gitUrl, html: page },
  };
  if (entry.mode === "040000") return { ...common, type: "dir", size: 0 };
  if (entry.mode === "160000")
    return { ...common, type: withContent ? "submodule" : "file", size: 0, submodule_git_url: null };
  const blob = await repository.git.read(entry.oid);
  const content = blob?.content ?? Buffer.alloc(0);
  if (entry.mode === "120000") {
    return {
      ...common,
      type: "symlink",
      size: content.length,
      ...(withContent ? { target: content.toString("utf8") } : {}),
    };
  }
  const isInline = content.length <= inlineBytes;
  return {
    ...common,
    type: "file",
    size: content.length,
    ...(withContent
      ? { content: isInline ? wrap(content.toString("base64")) : "", encoding: isInline ? "base64" : "none" }
      : {}),
  };
}

/** GitHub breaks base64 into lines of 60. */
export function wrap(base64: string): string {
  return base64.replaceAll(/.{1,60}/g, "$&\n");
}
