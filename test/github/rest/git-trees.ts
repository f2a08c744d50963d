import { z } from "zod";
import { emptyTree } from "../git/git-repository.ts";
import { typeOfMode, type TreeEntry } from "../git/objects.ts";
import { notFound, unprocessable } from "../http/refusal.ts";
import { treeEntryShape } from "../shapes/git-shape.ts";
import { needs } from "../state/permissions.ts";
import type { Repository } from "../state/repository.ts";
import { isSha, refuseEmpty } from "./git-data.ts";
import { TreeEdit } from "../actions/tree-edit.ts";
import { param, parseBody, repositoryRoute, type RepositoryRequest, type RestAnswer, type Route } from "./route.ts";

export const gitTreeRoutes: readonly Route[] = [
  repositoryRoute("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", [needs("contents", "read")], getTree),
  repositoryRoute("POST /repos/{owner}/{repo}/git/trees", [needs("contents", "write")], createTree),
];

/** A tree by its SHA, by a commit's or by the name of a branch. */
async function getTree(request: RepositoryRequest): Promise<RestAnswer> {
  const { repository } = request;
  const tree = await resolveTree(repository, param(request, "tree_sha"));
  if (tree === undefined) throw notFound();
  // GitHub goes by the parameter's presence: `recursive=0` lists recursively, too.
  return { status: 200, body: await treeShape(request, tree, request.query.has("recursive")) };
}

async function resolveTree(repository: Repository, name: string): Promise<string | undefined> {
  const oid = isSha(name)
    ? name
    : ((await repository.git.branchHead(name)) ?? (await repository.git.refOid(`refs/tags/${name}`)));
  if (oid === undefined) return undefined;
  const commit = await repository.git.commit(oid);
  const tree = commit?.tree ?? oid;
  return (await repository.git.tree(tree)) === undefined ? undefined : tree;
}

async function treeShape(request: RepositoryRequest, tree: string, isRecursive: boolean): Promise<object> {
  const { site, repository } = request;
  const mostEntries = site.trees.entries;
  const found: Listed[] = [];
  await collect({ repository, isRecursive, mostEntries, into: found }, tree, "");
  const listed = found.slice(0, mostEntries);
  const shapes = await Promise.all(
    listed.map(async ({ path, entry }) => {
      const isBlob = typeOfMode(entry.mode) === "blob";
      const size = isBlob ? (await repository.git.read(entry.oid))?.content.length : undefined;
      return treeEntryShape(site, repository, path, entry, size);
    }),
  );
  const url = `${site.urls.repository(repository)}/git/trees/${tree}`;
  return { sha: tree, url, tree: shapes, truncated: found.length > mostEntries };
}

interface Listed {
  readonly path: string;
  readonly entry: TreeEntry;
}

interface Listing {
  readonly repository: Repository;
  readonly isRecursive: boolean;
  readonly mostEntries: number;
  /** Ends with one entry more than may be shown when there are more. */
  readonly into: Listed[];
}

async function collect(listing: Listing, tree: string, prefix: string): Promise<void> {
  const { repository, isRecursive, mostEntries, into } = listing;
  for (const entry of (await repository.git.tree(tree)) ?? []) {
    if (into.length > mostEntries) return;
    const path = `${prefix}${entry.name}`;
    into.push({ path, entry });
    if (isRecursive && entry.mode === "040000") await collect(listing, entry.oid, `${path}/`);
  }
}

const modes = ["100644", "100755", "040000", "160000", "120000"] as const;

const treeRequest = z.object({
  base_tree: z.string().optional(),
  tree: z.array(
    z.object({
      path: z.string(),
      mode: z.enum(modes),
      type: z.enum(["blob", "tree", "commit"]).optional(),
      sha: z.string().nullable().optional(),
      content: z.string().optional(),
    }),
  ),
});

async function createTree(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository } = request;
  const wanted = parseBody(request, treeRequest);
  await refuseEmpty(repository);
  if (wanted.tree.length === 0) throw unprocessable("Invalid tree info");
  const base = wanted.base_tree === undefined ? emptyTree : await baseTree(repository, wanted.base_tree);
  const edit = new TreeEdit(repository.git, base);
  for (const entry of wanted.tree) await applyEntry(repository, edit, entry);
  const sha = await edit.write();
  const body = await treeShape(request, sha, false);
  return { status: 201, body, headers: { location: `${site.urls.repository(repository)}/git/trees/${sha}` } };
}

async function baseTree(repository: Repository, name: string): Promise<string> {
  // A commit's SHA will do as well as its tree's.
  const tree = isSha(name) ? await resolveTree(repository, name) : undefined;
  if (tree === undefined) throw unprocessable("base_tree is not a valid tree oid");
  return tree;
}

async function applyEntry(
  repository: Repository,
  edit: TreeEdit,
  entry: z.infer<typeof treeRequest>["tree"][number],
): Promise<void> {
  const { path, mode, sha, content } = entry;
  if (sha !== undefined && content !== undefined) {
    throw unprocessable("Must supply either tree.sha or tree.content, but not both.");
  }
  if (sha === null) return edit.remove(path);
  if (entry.type !== undefined && entry.type !== typeOfMode(mode)) {
    throw unprocessable(`tree.type ${entry.type} does not go with tree.mode ${mode}`);
  }
  if (content !== undefined) {
    if (typeOfMode(mode) !== "blob") throw unprocessable("tree.content can only be supplied for blobs");
    return edit.put(path, mode, await repository.git.write("blob", Buffer.from(content, "utf8")));
  }
  if (sha === undefined) throw unprocessable("Must supply tree.sha or tree.content");
  const type = typeOfMode(mode);
  if (!isSha(sha)) throw unprocessable(`The sha parameter must be exactly 40 characters and contain only [0-9a-f].`);
  if (type !== "commit" && sha !== emptyTree && (await repository.git.read(sha))?.type !== type) {
    throw unprocessable(`tree.sha ${sha} is not a valid ${type}`);
  }
  return edit.put(path, mode, sha);
}
