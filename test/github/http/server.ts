import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import { identify } from "../auth/identify.ts";
import { gitPath, serveGit } from "../git-http.ts";
import { answerGraphql } from "../graphql/answer-graphql.ts";
import { servePage } from "../pages/serve-page.ts";
import { answerRest, refusalBody } from "../rest/rest-api.ts";
import type { Site } from "../site.ts";
import type { RestValidation } from "../validation/rest-validation.ts";
import { parseJson, readBody } from "./incoming.ts";
import type { RateLimits } from "./rate-limits.ts";
import { Refusal } from "./refusal.ts";
import type { LoggedRequest } from "./requests-log.ts";

export interface Front {
  readonly site: Site;
  readonly rates: RateLimits;
  readonly validation: RestValidation | undefined;
  readonly requests: LoggedRequest[];
  readonly log: (line: string) => void;
}

type Seen = Omit<LoggedRequest, "at" | "method" | "path">;

/** The one server for pages, git, REST and GraphQL. Its site exists once it listens, since URLs name the port. */
export function frontServer(front: () => Front): Server {
  return createServer((request, response) => {
    const { site, requests, log } = front();
    const at = site.world.clock.now();
    const method = request.method ?? "GET";
    const path = request.url ?? "/";
    serve(front(), request, response).then(
      (seen) => {
        requests.push({ at, method, path, ...seen });
        log(`${method} ${path} ${seen.status}`);
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
  if (gitPath.test(url.pathname)) return git(front, request, response, url);
  const status = await servePage(site, request, response, url);
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

async function git(front: Front, request: IncomingMessage, response: ServerResponse, url: URL): Promise<Seen> {
  const service = url.searchParams.get("service") ?? url.pathname.split("/").at(-1);
  const isWrite = request.method === "POST" && service === "git-receive-pack";
  const base = { kind: "git", operationId: service, isWrite, rootFields: [], requestBody: undefined } as const;
  try {
    const caller = identify(front.site.world, request.headers.authorization);
    const status = await serveGit(front.site, caller, request, response, url);
    return { ...base, status, installationId: installationOf(caller) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const headers = error.status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {};
    response.writeHead(error.status, { "content-type": "text/plain", ...headers }).end(`${error.message}\n`);
    return { ...base, status: error.status, installationId: undefined };
  }
}

async function serveRest(front: Front, request: IncomingMessage, response: ServerResponse, url: URL): Promise<Seen> {
  const { site, rates, validation } = front;
  const method = request.method ?? "GET";
  const path = url.pathname.slice("/api/v3".length).replace(/(?<=.)\/$/, "");
  const base = { kind: "rest", rootFields: [] } as const;
  let body: unknown;
  let caller: Caller = { kind: "anonymous" };
  try {
    body = parseJson(await readBody(request));
    caller = identify(site.world, request.headers.authorization);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    sendJson(front, response, error.status, refusalBody(error), error.headers);
    return {
      ...base,
      operationId: undefined,
      isWrite: false,
      status: error.status,
      installationId: undefined,
      requestBody: body,
    };
  }
  const outcome = await answerRest(site, rates, { method, url, path, headers: request.headers, body, caller });
  const { route, status, params } = outcome;
  validation?.check({
    method,
    path: url.pathname,
    template: route?.template,
    params,
    query: url.searchParams,
    body,
    status,
    answer: outcome.body,
  });
  sendJson(front, response, status, outcome.body, outcome.headers);
  return {
    ...base,
    operationId:
      route === undefined
        ? undefined
        : (validation?.operationId(route.method, route.template) ?? `${route.method} ${route.template}`),
    isWrite: method !== "GET" && route?.isHousekeeping !== true,
    status,
    installationId: installationOf(caller),
    requestBody: body,
  };
}

async function serveGraphql(front: Front, request: IncomingMessage, response: ServerResponse): Promise<Seen> {
  const { site, rates } = front;
  const base = { kind: "graphql" } as const;
  let body: unknown;
  try {
    body = parseJson(await readBody(request));
    const caller = identify(site.world, request.headers.authorization);
    if (caller.kind === "anonymous") throw new Refusal(401, "This endpoint requires you to be authenticated.");
    if (request.method !== "POST") throw new Refusal(404, "Not Found");
    const outcome = await answerGraphql(site, rates, caller, body);
    sendJson(front, response, 200, outcome.body, outcome.headers);
    const { operationName, rootFields, isMutation } = outcome;
    const installationId = installationOf(caller);
    return {
      ...base,
      operationId: operationName,
      isWrite: isMutation,
      status: 200,
      installationId,
      rootFields,
      requestBody: body,
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    sendJson(front, response, error.status, refusalBody(error), error.headers);
    return {
      ...base,
      operationId: undefined,
      isWrite: false,
      status: error.status,
      installationId: undefined,
      rootFields: [],
      requestBody: body,
    };
  }
}

function installationOf(caller: Caller): number | undefined {
  return caller.kind === "installation" ? caller.installation.id : undefined;
}

function sendJson(
  front: Front,
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    server: "github.com",
    "x-github-media-type": "github.v3; format=json",
    "x-github-request-id": randomUUID().toUpperCase(),
    date: front.site.world.clock.now().toUTCString(),
    "cache-control": "private, max-age=60, s-maxage=60",
    ...(body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
    ...headers,
  });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
