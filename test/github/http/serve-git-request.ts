import type { IncomingMessage, ServerResponse } from "node:http";
import { identify } from "../auth/identify.ts";
import { serveGit } from "../git-http.ts";
import { installationOf, sendThrough, waitFor, type Front, type Seen } from "./front.ts";
import { Refusal } from "./refusal.ts";

/** Serves one request of git's smart HTTP. */
export async function serveGitRequest(
  front: Front,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<Seen> {
  const service = url.searchParams.get("service") ?? url.pathname.split("/").at(-1);
  const method = request.method ?? "GET";
  const isWrite = method === "POST" && service === "git-receive-pack";
  const traits = { surface: "git", operation: service, method, path: `${url.pathname}${url.search}` } as const;
  const fault = front.faults.strike({ ...traits, graphqlFields: new Set() });
  const base = {
    kind: "git",
    operationId: service,
    isWrite,
    installationId: undefined,
    rootFields: [],
    requestBody: undefined,
    fault: fault?.kind,
  } as const;
  if (fault?.kind === "slow") await waitFor(front, fault);
  else if (fault !== undefined)
    return { ...base, isWrite: false, status: await sendThrough(front, response, undefined, fault) };
  try {
    const caller = identify(front.site.world, request.headers.authorization);
    const status = await serveGit(front.site, caller, request, response, url);
    return { ...base, status, installationId: installationOf(caller) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const headers = error.status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {};
    response.writeHead(error.status, { "content-type": "text/plain", ...headers }).end(`${error.message}\n`);
    return { ...base, status: error.status };
  }
}
