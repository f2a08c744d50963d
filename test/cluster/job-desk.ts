import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { artifactKindOf } from "#shared/artifacts/artifact-name.ts";
import { readJobToken } from "#shared/artifacts/job-token.ts";
import { BlobNotFound } from "#shared/ports/blob-store.ts";
import type { TransformJob } from "#shared/ports/sandbox.ts";
import type { SandboxWorld } from "#shared/testing/sandbox-world.ts";

/** What Jobs reach in a test of the sandbox alone: the protocol of the artifacts service, over the world of the test. */
export interface JobDesk {
  readonly url: string;
  /** Jobs it knows; others are turned away. */
  expect(job: TransformJob): void;
  /** What came of the steps while they ran, as `EXECUTION/STEP`. */
  readonly live: ReadonlyMap<string, string>;
  /** It answers 503 to what is handed in, that many times. */
  refuse(times: number): void;
  /** It answers 503 to all that concerns cached steps. */
  loseCache(): void;
  close(): Promise<void>;
}

export async function startJobDesk(world: SandboxWorld, keys: readonly Uint8Array[]): Promise<JobDesk> {
  const jobs = new Map<string, TransformJob>();
  const live = new Map<string, string>();
  let refusals = 0;
  let isCacheLost = false;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://desk");
    const [, executionId = "", attempt, rest = ""] = /^\/jobs\/([^/]+)\/(\d+)\/(.*)$/.exec(url.pathname) ?? [];
    const job = jobs.get(`${executionId}/${attempt}`);
    const isCached = rest.startsWith("cache/");
    const reads = rest.startsWith("source.git/") || (isCached && request.method === "GET");
    const direction = reads ? "source" : "upload";
    const [, token = ""] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "") ?? [];
    const reading = readJobToken(keys, token, new Date());
    if (reading.kind === "refuse") return reply(response, 401, reading.because);
    const { grant } = reading;
    const isAllowed =
      grant.executionId === executionId && `${grant.attempt}` === attempt && grant.direction === direction;
    if (job === undefined || !isAllowed) return reply(response, 403, "for another Job");
    if (isCached) return cache(rest, request, response);
    if (reads) return passOn(job, rest.slice("source.git".length) + url.search, request, response);
    const body = await bodyOf(request);
    if (rest.startsWith("artifacts/")) return take(job, rest.slice("artifacts/".length), request, body, response);
    const [, step] = /^steps\/(\d+)\/log$/.exec(rest) ?? [];
    if (step === undefined) return reply(response, 404, "no such place");
    const key = `${executionId}/${step}`;
    live.set(key, (live.get(key) ?? "").slice(0, Number(url.searchParams.get("at"))) + body.toString("utf8"));
    return reply(response, 204);
  }

  async function cache(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isCacheLost) return reply(response, 503, "not now");
    if (request.method === "PUT") {
      const { stored } = await world.blobs.put(key, await bodyOf(request));
      return reply(response, stored ? 201 : 409);
    }
    try {
      const found = await world.blobs.get(key);
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(found);
    } catch (error) {
      if (!(error instanceof BlobNotFound)) throw error;
      reply(response, 404, "not cached");
    }
  }

  async function passOn(
    job: TransformJob,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { url, token } = await world.codeHost.gitAccess(job.source);
    const headers: Record<string, string> = {
      authorization: `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`,
    };
    for (const name of ["content-type", "content-encoding", "git-protocol", "accept"]) {
      const value = request.headers[name];
      if (typeof value === "string") headers[name] = value;
    }
    const body = await bodyOf(request);
    const asked = {
      method: request.method ?? "GET",
      headers,
      ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
    };
    try {
      const found = await fetch(url + path, asked);
      response.writeHead(found.status, { "content-type": found.headers.get("content-type") ?? "text/plain" });
      response.end(Buffer.from(await found.arrayBuffer()));
    } catch {
      reply(response, 502, "the code host does not answer");
    }
  }

  async function take(
    job: TransformJob,
    name: string,
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    if (refusals > 0) {
      refusals -= 1;
      return reply(response, 503, "not now");
    }
    const kind = artifactKindOf(name);
    const sha256 = createHash("sha256").update(body).digest("hex");
    if (kind === undefined) return reply(response, 404, "no such artifact");
    if (request.headers["x-octobatch-sha256"] !== sha256) return reply(response, 422, "another checksum");
    const { stored } = await world.blobs.put(`${job.artifactPrefix}/${name}`, body);
    if (!stored) return reply(response, 409, "there already");
    reply(response, 201);
    if (kind === "result") await world.reported(job);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => reply(response, 500, String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A TCP server that listens has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://artifacts.test:${port}`,
    live,
    expect: (job) => void jobs.set(`${job.executionId}/${job.attempt}`, job),
    refuse(times) {
      refusals = times;
    },
    loseCache() {
      isCacheLost = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reply(response: ServerResponse, status: number, text = ""): void {
  if (!response.headersSent) response.writeHead(status, { "content-type": "text/plain" });
  response.end(text);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array)); // a request without an encoding gives bytes
  return Buffer.concat(chunks);
}
