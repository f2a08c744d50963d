import { z } from "zod";
import { githubSignature, signatureOf, writeSignedCommit } from "../actions/signing.ts";
import { actorOf } from "../auth/caller.ts";
import type { Commit, Signature } from "../git/objects.ts";
import { notFound, Refusal, unprocessable } from "../http/refusal.ts";
import { gitCommitShape } from "../shapes/git-shape.ts";
import { nodeId } from "../state/ids.ts";
import { needs } from "../state/permissions.ts";
import type { Repository } from "../state/repository.ts";
import { wrap } from "./contents.ts";
import { param, parseBody, repositoryRoute, type RepositoryRequest, type RestAnswer, type Route } from "./route.ts";

const read = [needs("contents", "read")];
const write = [needs("contents", "write")];

/** A blob may have 40 MiB. */
const largestBlobBytes = 40 * 1024 * 1024;

/** Blobs and commits of the Git Data API; trees and refs have files of their own. */
export const gitDataRoutes: readonly Route[] = [
  repositoryRoute("GET /repos/{owner}/{repo}/git/blobs/{file_sha}", read, getBlob),
  repositoryRoute("POST /repos/{owner}/{repo}/git/blobs", write, createBlob),
  repositoryRoute("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", read, async (request) => {
    const { site, repository } = request;
    const sha = param(request, "commit_sha");
    const commit = isSha(sha) ? await repository.git.commit(sha) : undefined;
    if (commit === undefined) throw notFound();
    return { status: 200, body: gitCommitShape(site, repository, commit) };
  }),
  repositoryRoute("POST /repos/{owner}/{repo}/git/commits", write, createCommit),
];

export function isSha(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** GitHub refuses Git Data writes in a repository without a commit. @throws Refusal 409 */
export async function refuseEmpty(repository: Repository): Promise<void> {
  if ((await repository.git.branchHead(await repository.git.headBranch())) !== undefined) return;
  if ((await repository.git.refs("refs/")).length === 0) throw new Refusal(409, "Git Repository is empty.");
}

async function getBlob(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository } = request;
  const sha = param(request, "file_sha");
  const blob = isSha(sha) ? await repository.git.read(sha) : undefined;
  if (blob?.type !== "blob") throw notFound();
  return {
    status: 200,
    body: {
      sha,
      node_id: nodeId("Blob", repository.id, sha),
      size: blob.content.length,
      url: `${site.urls.repository(repository)}/git/blobs/${sha}`,
      content: wrap(blob.content.toString("base64")),
      encoding: "base64",
    },
  };
}

const blobRequest = z.object({ content: z.string(), encoding: z.enum(["utf-8", "base64"]).default("utf-8") });

async function createBlob(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository } = request;
  const { content, encoding } = parseBody(request, blobRequest);
  await refuseEmpty(repository);
  const isBase64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content);
  if (encoding === "base64" && !isBase64) throw unprocessable("content is not valid Base64");
  const bytes = Buffer.from(content, encoding === "base64" ? "base64" : "utf8");
  if (bytes.length > largestBlobBytes)
    throw unprocessable("Your input was too large to process. Try reducing your input size.");
  const sha = await repository.git.write("blob", bytes);
  const url = `${site.urls.repository(repository)}/git/blobs/${sha}`;
  return { status: 201, body: { sha, url }, headers: { location: url } };
}

const personRequest = z.object({
  name: z.string().min(1).optional(),
  email: z.string().min(1).optional(),
  date: z.iso.datetime({ offset: true }).optional(),
});

const commitRequest = z.object({
  message: z.string(),
  tree: z.string(),
  parents: z.array(z.string()).default([]),
  author: personRequest.extend({ name: z.string().min(1), email: z.string().min(1) }).optional(),
  committer: personRequest.optional(),
  signature: z.string().optional(),
});

/**
 * Writes a commit. As at GitHub, an App that names neither author nor committer nor signature gets a commit that is
 * signed, by the App's bot and committed by GitHub; whoever names one gets the commit as named, unsigned.
 */
async function createCommit(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const wanted = parseBody(request, commitRequest);
  await refuseEmpty(repository);
  await checkLinks(repository, wanted.tree, wanted.parents);
  const actor = actorOf(caller);
  const now = site.world.clock.now();
  const author = person(wanted.author, signatureOf(actor, now));
  const isNamed = wanted.author !== undefined || wanted.committer !== undefined || wanted.signature !== undefined;
  const links = { tree: wanted.tree, parents: wanted.parents, message: wanted.message };
  const { git } = repository;
  const oid =
    caller.kind === "installation" && !isNamed
      ? await writeSignedCommit(site.world, git, { ...links, author, committer: githubSignature(now) })
      : await git.writeCommit({
          ...links,
          author,
          committer: person(wanted.committer, author),
          ...(wanted.signature === undefined ? {} : { signature: wanted.signature }),
        });
  const commit: Commit | undefined = await git.commit(oid);
  if (commit === undefined) throw new Error(`The commit ${oid} that was just written cannot be read.`);
  const body = gitCommitShape(site, repository, commit);
  return { status: 201, body, headers: { location: `${site.urls.repository(repository)}/git/commits/${oid}` } };
}

async function checkLinks(repository: Repository, tree: string, parents: readonly string[]): Promise<void> {
  const hasTree = isSha(tree) && (await repository.git.tree(tree)) !== undefined;
  if (!hasTree) throw unprocessable("Tree SHA does not exist");
  for (const parent of parents) {
    if (!isSha(parent) || (await repository.git.commit(parent)) === undefined) {
      throw unprocessable("Parent SHA does not exist or is not a commit object");
    }
  }
}

function person(wanted: z.infer<typeof personRequest> | undefined, otherwise: Signature): Signature {
  if (wanted === undefined) return otherwise;
  // `<`, `>` and line breaks would break out of the header that git writes.
  const clean = (text: string): string => text.replaceAll(/[<>\n\r\0]/g, "").trim();
  return {
    name: clean(wanted.name ?? otherwise.name),
    email: clean(wanted.email ?? otherwise.email),
    seconds: wanted.date === undefined ? otherwise.seconds : Math.floor(Date.parse(wanted.date) / 1000),
    timezone: wanted.date === undefined ? otherwise.timezone : timezoneOf(wanted.date),
  };
}

function timezoneOf(date: string): string {
  const match = /(?<offset>[+-]\d{2}):?(?<minutes>\d{2})$/.exec(date);
  return match?.groups === undefined ? "+0000" : `${match.groups["offset"]}${match.groups["minutes"]}`;
}
