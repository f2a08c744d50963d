import { diffStatistics } from "../git/diff.ts";
import { signatureDate, typeOfMode, type Commit, type Signature, type TreeEntry } from "../git/objects.ts";
import { nodeId } from "../state/ids.ts";
import type { Repository } from "../state/repository.ts";
import { verificationOf } from "../actions/signing.ts";
import { page, connectionResolvers } from "./connection.ts";
import {
  accountObject,
  commitObject,
  gitObject,
  repositoryObject,
  type BlobSource,
  type CommitSource,
  type TreeSource,
} from "./objects.ts";
import { object, type FieldResolvers } from "./resolver.ts";

const statistics = async ({ repository, commit }: CommitSource): ReturnType<typeof diffStatistics> => {
  const parent = commit.parents[0];
  const from = parent === undefined ? await repository.git.writeTree([]) : parent;
  return diffStatistics(repository.git, from, commit.oid);
};

const oids = (
  kind: "commit" | "blob" | "tree",
): FieldResolvers<{ readonly repository: Repository; readonly oid: string }> => ({
  id: ({ repository, oid }) => nodeId(kind === "blob" ? "Blob" : "Tree", repository.id, oid),
  oid: ({ oid }) => oid,
  abbreviatedOid: ({ oid }) => oid.slice(0, 7),
  repository: ({ repository }) => repositoryObject(repository),
  commitUrl: ({ repository, oid }, _, { site }) => `${site.urls.page(repository)}/${kind}/${oid}`,
});

export const commitResolvers: FieldResolvers<CommitSource> = {
  id: ({ repository, commit }) => nodeId("Commit", repository.id, commit.oid),
  oid: ({ commit }) => commit.oid,
  abbreviatedOid: ({ commit }) => commit.oid.slice(0, 7),
  repository: ({ repository }) => repositoryObject(repository),
  url: ({ repository, commit }, _, { site }) => `${site.urls.page(repository)}/commit/${commit.oid}`,
  commitUrl: ({ repository, commit }, _, { site }) => `${site.urls.page(repository)}/commit/${commit.oid}`,
  message: ({ commit }) => commit.message,
  messageHeadline: ({ commit }) => commit.message.split("\n")[0] ?? "",
  messageBody: ({ commit }) => commit.message.split("\n").slice(1).join("\n").trim(),
  authoredDate: ({ commit }) => signatureDate(commit.author),
  committedDate: ({ commit }) => signatureDate(commit.committer),
  committedViaWeb: ({ commit }) => commit.committer.email === "noreply@github.com",
  author: ({ commit }) => object("GitActor", commit.author),
  committer: ({ commit }) => object("GitActor", commit.committer),
  tree: ({ repository, commit }) => gitObject(repository, commit.tree),
  parents: async ({ repository, commit }, args) => {
    const parents = await Promise.all(commit.parents.map((oid) => commitObject(repository, oid)));
    return page("CommitConnection", parents, args, "parents");
  },
  additions: async (source) => (await statistics(source)).additions,
  deletions: async (source) => (await statistics(source)).deletions,
  changedFilesIfAvailable: async (source) => (await statistics(source)).changedFiles,
  // Nobody reports statuses or checks here.
  status: () => null,
  statusCheckRollup: () => null,
  signature: ({ commit }, _, { site }) => {
    const verification = verificationOf(site.world, commit);
    return verification.signature === null ? null : object("GpgSignature", { commit, verification });
  },
};

interface SignatureSource {
  readonly commit: Commit;
  readonly verification: ReturnType<typeof verificationOf>;
}

export const gpgSignatureResolvers: FieldResolvers<SignatureSource> = {
  isValid: ({ verification }) => verification.verified,
  state: ({ verification }) => (verification.verified ? "VALID" : "UNKNOWN_KEY"),
  signature: ({ verification }) => verification.signature,
  payload: ({ verification }) => verification.payload,
  email: ({ commit }) => commit.committer.email,
  wasSignedByGitHub: ({ verification }) => verification.verified,
  keyId: () => null,
};

export const gitActorResolvers: FieldResolvers<Signature> = {
  name: ({ name }) => name,
  email: ({ email }) => email,
  date: (signature) => signatureDate(signature),
  user: ({ email }, _, { site }) => {
    const account = [...site.world.accounts.values()].find(
      (candidate) => candidate.kind === "User" && candidate.email === email,
    );
    return account === undefined ? null : accountObject(account);
  },
};

const inlineText = 512 * 1024;

/** As git does: a NUL byte in the beginning makes a blob binary. */
function isBinary(content: Buffer): boolean {
  return content.subarray(0, 8_000).includes(0);
}

export const blobResolvers: FieldResolvers<BlobSource> = {
  ...(oids("blob") as FieldResolvers<BlobSource>),
  byteSize: ({ content }) => content.length,
  isBinary: ({ content }) => isBinary(content),
  isTruncated: ({ content }) => !isBinary(content) && content.length > inlineText,
  text: ({ content }) => (isBinary(content) ? null : content.subarray(0, inlineText).toString("utf8")),
};

export const treeResolvers: FieldResolvers<TreeSource> = {
  ...(oids("tree") as FieldResolvers<TreeSource>),
  entries: ({ repository, entries }) => entries.map((entry) => object("TreeEntry", { repository, entry })),
};

export const treeEntryResolvers: FieldResolvers<{ readonly repository: Repository; readonly entry: TreeEntry }> = {
  name: ({ entry }) => entry.name,
  oid: ({ entry }) => entry.oid,
  mode: ({ entry }) => Number.parseInt(entry.mode, 8),
  type: ({ entry }) => typeOfMode(entry.mode),
  object: ({ repository, entry }) => gitObject(repository, entry.oid),
};

export const commitConnectionResolvers = connectionResolvers("CommitEdge");
