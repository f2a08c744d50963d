import { spawn } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { createGunzip } from "node:zlib";
import { announcePush } from "./actions/pushes.ts";
import { protectionRefusal, refusesForce, type RefChange } from "./actions/ref-rules.ts";
import { actorOf, may, sees, type Caller } from "./auth/caller.ts";
import { gitEnvironment } from "./git/run-git.ts";
import { parseCommands } from "./git/receive-commands.ts";
import { Refusal } from "./http/refusal.ts";
import { refuseReadOnly } from "./rest/rest-api.ts";
import type { Site } from "./site.ts";
import { needs } from "./state/permissions.ts";
import type { Repository } from "./state/repository.ts";

const hooks = fileURLToPath(new URL("git/hooks", import.meta.url));

/** `/owner/name.git/info/refs`, `/owner/name.git/git-upload-pack` and `/git-receive-pack`, with or without `.git`. */
export const gitPath =
  /^\/(?<owner>[^/]+)\/(?<name>[^/]+?)(?:\.git)?\/(?<service>info\/refs|git-upload-pack|git-receive-pack)$/;

/** What git writes to HTTP: GitHub's refusals come as plain text that git shows to its user. */
function refuse(response: ServerResponse, status: number, message: string): number {
  const headers = status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {};
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers }).end(`${message}\n`);
  return status;
}

/** Serves one request of git's smart HTTP through the real `git http-backend`; answers the status that went out. */
export async function serveGit(
  site: Site,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<number> {
  const { owner = "", name = "", service = "" } = gitPath.exec(url.pathname)?.groups ?? {};
  const wanted = service === "info/refs" ? url.searchParams.get("service") : service;
  const repository = site.world.repositoryNamed(owner, name);
  if (repository === undefined || !sees(caller, repository)) {
    return caller.kind === "anonymous"
      ? refuse(response, 401, "Authentication required")
      : refuse(response, 404, "Repository not found.");
  }
  if (wanted !== "git-upload-pack" && wanted !== "git-receive-pack") {
    return refuse(response, 403, "Please upgrade your git client: the dumb protocol is not served.");
  }
  if (repository.name.toLowerCase() !== name.toLowerCase()) {
    const location = `${site.urls.page(repository)}.git/${service}${url.search}`;
    response.writeHead(301, { location }).end();
    return 301;
  }
  const writes = wanted === "git-receive-pack";
  if (writes && caller.kind === "anonymous") return refuse(response, 401, "Authentication required");
  if (!may(caller, repository, [needs("contents", writes ? "write" : "read")])) {
    return refuse(response, 403, `Write access to repository not granted.`);
  }
  if (!writes) return backend(repository, service, request, response, url);
  try {
    refuseReadOnly(repository);
  } catch (error) {
    if (error instanceof Refusal) return refuse(response, error.status, error.message);
    throw error;
  }
  if (service === "info/refs") return backend(repository, service, request, response, url);
  return site.locks.exclusively(repository, () => receive(site, repository, caller, request, response, url));
}

async function receive(
  site: Site,
  repository: Repository,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<number> {
  const chunks: Buffer[] = [];
  // Without an encoding set, a request yields buffers.
  const body = request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
  for await (const chunk of body) chunks.push(chunk as Buffer);
  const input = Buffer.concat(chunks);
  const changes = parseCommands(input);
  const refused = await refusedBefore(repository, changes);
  const environment = {
    NO_FORCE_REFS: changes
      .filter((change) => refusesForce(repository, change))
      .map(({ name }) => name)
      .join("\n"),
    REFUSED_REFS: [...refused].map(([name, because]) => `${name}\t${because}`).join("\n"),
    WORKFLOWS_ALLOWED: may(caller, repository, [needs("workflows", "write")]) || caller.kind === "user" ? "1" : "",
  };
  const status = await backend(repository, "git-receive-pack", request, response, url, { input, environment });
  const moved: RefChange[] = [];
  for (const change of changes) {
    const now = (await repository.git.refOid(change.name)) ?? "0".repeat(40);
    if (now === change.after && change.before !== change.after) moved.push(change);
  }
  await announcePush(site, repository, actorOf(caller), moved);
  return status;
}

/** What can be said before the new objects have arrived; the hook says the rest. */
async function refusedBefore(
  repository: Repository,
  changes: readonly RefChange[],
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  for (const change of changes) {
    const isHead = change.name === `refs/heads/${await repository.git.headBranch()}`;
    if (change.name.startsWith("refs/pull/")) refused.set(change.name, "deny updating a hidden ref");
    else if (isHead && /^0+$/.test(change.after)) refused.set(change.name, "refusing to delete the current branch");
    else {
      const because = await protectionRefusal(repository, change, "force is checked later");
      if (because !== undefined) refused.set(change.name, `protected branch hook declined: ${because}`);
    }
  }
  return refused;
}

interface BackendInput {
  readonly input: Buffer;
  readonly environment: Readonly<Record<string, string>>;
}

async function backend(
  repository: Repository,
  service: string,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  given?: BackendInput,
): Promise<number> {
  const config: readonly (readonly [string, string])[] = [
    ["safe.directory", "*"],
    ["http.receivepack", "true"],
    ["uploadpack.allowAnySHA1InWant", "true"],
    ["uploadpack.allowReachableSHA1InWant", "true"],
    ["uploadpack.allowFilter", "true"],
    ["receive.autogc", "false"],
    ["core.hooksPath", hooks],
  ];
  const child = spawn("git", ["http-backend"], {
    env: {
      ...gitEnvironment,
      ...Object.fromEntries(
        config.flatMap(([key, value], index) => [
          [`GIT_CONFIG_KEY_${index}`, key],
          [`GIT_CONFIG_VALUE_${index}`, value],
        ]),
      ),
      GIT_CONFIG_COUNT: String(config.length),
      GIT_PROJECT_ROOT: repository.git.directory,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_HTTP_MAX_REQUEST_BUFFER: "256M",
      PATH_INFO: `/${service}`,
      PATH_TRANSLATED: `${repository.git.directory}/${service}`,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      // What was buffered here has been unpacked already.
      HTTP_CONTENT_ENCODING: given === undefined ? (request.headers["content-encoding"] ?? "") : "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "git",
      REMOTE_ADDR: "127.0.0.1",
      ...given?.environment,
    },
  });
  child.stderr.resume();
  child.stdin.on("error", () => undefined);
  if (given === undefined) request.pipe(child.stdin);
  else child.stdin.end(given.input);
  response.once("close", () => {
    if (!response.writableEnded) child.kill();
  });
  const closed = once(child, "close");
  const status = await relay(child.stdout, response);
  await closed;
  // Last of all, so that whoever has read the whole answer finds its request logged.
  response.end();
  return status;
}

/** Passes a CGI answer on, but for its end: its headers up to the blank line, then the body as it comes. */
async function relay(output: NodeJS.ReadableStream, response: ServerResponse): Promise<number> {
  let head: Buffer | undefined = Buffer.alloc(0);
  let status = 200;
  for await (const chunk of output) {
    // Without an encoding set, a stream yields buffers.
    const bytes = chunk as Buffer;
    if (head === undefined) {
      await write(response, bytes);
      continue;
    }
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) continue;
    status = writeHead(response, head.toString("latin1", 0, end));
    await write(response, head.subarray(end + 4));
    head = undefined;
  }
  if (head !== undefined) {
    status = 500;
    response.writeHead(500);
  }
  return status;
}

function writeHead(response: ServerResponse, head: string): number {
  const headers = head.split("\r\n").map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const status = Number.parseInt(headers.find(([name]) => name === "status")?.[1] ?? "200", 10);
  response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== "status")));
  return status;
}

async function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  if (bytes.length === 0 || response.destroyed) return;
  if (!response.write(bytes)) await Promise.race([once(response, "drain"), once(response, "close")]);
}
