import { z } from "zod";
import { changeRefs } from "../actions/refs.ts";
import { isRefName, zeroOid } from "../git/git-repository.ts";
import type { ObjectType } from "../git/objects.ts";
import { notFound, Refusal, unprocessable } from "../http/refusal.ts";
import { refShape } from "../shapes/git-shape.ts";
import { needs } from "../state/permissions.ts";
import { isSha, refuseEmpty } from "./git-data.ts";
import { param, parseBody, repositoryRoute, type RepositoryRequest, type RestAnswer, type Route } from "./route.ts";

const read = [needs("contents", "read")];
const write = [needs("contents", "write")];

export const gitRefRoutes: readonly Route[] = [
  repositoryRoute("GET /repos/{owner}/{repo}/git/ref/{ref}", read, getRef),
  repositoryRoute("GET /repos/{owner}/{repo}/git/matching-refs/{ref}", read, matchingRefs),
  repositoryRoute("POST /repos/{owner}/{repo}/git/refs", write, createRef),
  repositoryRoute("PATCH /repos/{owner}/{repo}/git/refs/{ref}", write, updateRef),
  repositoryRoute("DELETE /repos/{owner}/{repo}/git/refs/{ref}", write, deleteRef),
];

async function getRef(request: RepositoryRequest): Promise<RestAnswer> {
  const name = `refs/${param(request, "ref")}`;
  const { repository } = request;
  const old = request.site.lags.oldRef(repository, name);
  const revision = old === undefined ? name : old.oid;
  const object = isRefName(name) && revision !== undefined ? await repository.git.read(revision) : undefined;
  if (object === undefined) {
    await refuseEmpty(request.repository);
    throw notFound();
  }
  return answer(request, 200, name, object.oid, object.type);
}

async function matchingRefs(request: RepositoryRequest): Promise<RestAnswer> {
  await refuseEmpty(request.repository);
  const refs = await request.repository.git.refs(`refs/${param(request, "ref")}`);
  return { status: 200, body: refs.map((ref) => refShape(request.site, request.repository, ref)) };
}

const sha = z.string().refine(isSha, { error: "it must be 40 hexadecimal characters" });
const createRequest = z.object({ ref: z.string(), sha });
const updateRequest = z.object({ sha, force: z.boolean().default(false) });

async function createRef(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const wanted = parseBody(request, createRequest);
  await refuseEmpty(repository);
  if (!wanted.ref.startsWith("refs/") || wanted.ref.split("/").length < 3) {
    throw unprocessable("Reference name must start with 'refs/' and have at least three parts");
  }
  if (!isRefName(wanted.ref)) throw unprocessable(`${wanted.ref} is not a valid ref name.`);
  if ((await repository.git.refOid(wanted.ref)) !== undefined) throw unprocessable("Reference already exists");
  await changeRefs(site, repository, caller, [
    { name: wanted.ref, expected: zeroOid, after: wanted.sha, force: false },
  ]);
  const created = await answer(request, 201, wanted.ref, wanted.sha, await typeOf(request, wanted.sha));
  return { ...created, headers: { location: `${site.urls.repository(repository)}/git/${wanted.ref}` } };
}

async function updateRef(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const wanted = parseBody(request, updateRequest);
  const name = await existingRef(request);
  await changeRefs(site, repository, caller, [{ name, after: wanted.sha, force: wanted.force }]);
  return answer(request, 200, name, wanted.sha, await typeOf(request, wanted.sha));
}

async function deleteRef(request: RepositoryRequest): Promise<RestAnswer> {
  const { site, repository, caller } = request;
  const name = await existingRef(request);
  if (name === `refs/heads/${await repository.git.headBranch()}`) {
    throw new Refusal(422, "Cannot delete the default branch", { type: "UNPROCESSABLE" });
  }
  await changeRefs(site, repository, caller, [{ name, after: zeroOid, force: true }]);
  return { status: 204 };
}

async function existingRef(request: RepositoryRequest): Promise<string> {
  const name = `refs/${param(request, "ref")}`;
  await refuseEmpty(request.repository);
  if ((await request.repository.git.refOid(name)) === undefined) throw unprocessable("Reference does not exist");
  return name;
}

async function typeOf(request: RepositoryRequest, oid: string): Promise<ObjectType> {
  return (await request.repository.git.read(oid))?.type ?? "commit";
}

async function answer(
  request: RepositoryRequest,
  status: number,
  name: string,
  oid: string,
  type: ObjectType,
): Promise<RestAnswer> {
  return { status, body: refShape(request.site, request.repository, { name, oid, type }) };
}
