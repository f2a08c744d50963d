import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gitPath } from "../git-http.ts";
import { manifestPath, serveManifest } from "../pages/serve-manifest.ts";
import { servePage } from "../pages/serve-page.ts";
import { sendJson, type Front, type Seen } from "./front.ts";
import { serveGitRequest } from "./serve-git-request.ts";
import { serveGraphql } from "./serve-graphql.ts";
import { serveRest } from "./serve-rest.ts";

/** The one server for pages, git, REST and GraphQL. Its site exists once it listens, since URLs name the port. */
export function frontServer(front: () => Front): Server {
  return createServer((request, response) => {
    const { site, requests, log } = front();
    const at = site.world.clock.now();
    const method = request.method ?? "GET";
    const path = request.url ?? "/";
    // One request at a time has a connection of HTTP/1.1.
    const { socket } = request;
    const sentBefore = socket.bytesWritten;
    serve(front(), request, response).then(
      (seen) => {
        requests.push({ at, method, path, sentBytes: socket.bytesWritten - sentBefore, ...seen });
        log(`${method} ${path} ${seen.status}${seen.fault === undefined ? "" : ` (${seen.fault})`}`);
      },
      (error: unknown) => {
        // A fault of this local GitHub itself: said where people see it, and to the client as GitHub would.
        console.error(`The local GitHub failed at ${method} ${path}:`, error);
        if (!response.headersSent) sendJson(front(), response, 500, { message: `Server Error: ${String(error)}` }, {});
        response.end();
      },
    );
  });
}

async function serve(front: Front, request: IncomingMessage, response: ServerResponse): Promise<Seen> {
  const { site } = front;
  const url = new URL(request.url ?? "/", site.urls.root);
  if (url.pathname === "/api/graphql") return serveGraphql(front, request, response);
  if (url.pathname === "/api/v3" || url.pathname.startsWith("/api/v3/"))
    return serveRest(front, request, response, url);
  if (gitPath.test(url.pathname)) return serveGitRequest(front, request, response, url);
  const status = manifestPath.test(url.pathname)
    ? await serveManifest(site, request, response, url)
    : await servePage(site, request, response, url);
  const isWrite = request.method === "POST";
  return {
    kind: "page",
    operationId: undefined,
    isWrite,
    status,
    installationId: undefined,
    rootFields: [],
    requestBody: undefined,
  };
}
