import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CliError } from "../cli-error.ts";
import { contentSecurityPolicy, failedPage, type Page } from "./pages.ts";

/** A browser that GitHub has sent back. */
export interface Return {
  /** What buys the App's credentials. */
  readonly code: string;
  /** Ends the browser's waiting. Returns when the page has gone out, or the browser has. */
  readonly answer: (status: number, page: Page) => Promise<void>;
}

/** Where the browser begins, and where GitHub sends it back to. */
export interface ReturnServer {
  /** Only who knows it can begin. */
  readonly url: string;
  /** The first browser that comes back with our state; those after it are refused. */
  readonly returned: Promise<Return>;
  close(): Promise<void>;
}

export interface Addresses {
  readonly redirectUrl: string;
  readonly state: string;
}

const returnPath = "/return";

/**
 * Listens on 127.0.0.1. The state is random, stands in the address of the page that begins, and has to come back from
 * GitHub: neither another user of this machine nor another site in the browser can give us a code of their own.
 *
 * @param port 0 takes a free one.
 * @throws CliError when the port is taken.
 */
export async function openReturnServer(
  port: number,
  startPage: (addresses: Addresses) => Promise<Page>,
): Promise<ReturnServer> {
  const state = randomBytes(32).toString("base64url");
  const { promise: returned, resolve } = Promise.withResolvers<Return>();
  let isUsed = false;
  const server = createServer((request, response) => {
    // What fails here is the connection, and the browser has gone then.
    respond(request, response).catch(() => response.destroy());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening").catch((cause: unknown) => {
    throw cannotListen(port, cause);
  });
  // A TCP server's address is an AddressInfo.
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const redirectUrl = `http://${host}${returnPath}`;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Another name for this address is a site that had its own name point here.
    if (request.headers.host !== host || request.method !== "GET")
      return refuse(response, 404, "There is no such page.");
    const url = URL.parse(request.url ?? "", `http://${host}`);
    if (url?.pathname === returnPath) return comeBack(url.searchParams, response);
    if (url === null || !isSame(url.pathname.slice(1), state)) return refuse(response, 404, "There is no such page.");
    await send(response, 200, await startPage({ redirectUrl, state }));
  }

  async function comeBack(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const code = query.get("code") ?? "";
    if (!isSame(query.get("state") ?? "", state) || code === "") {
      return refuse(response, 400, "GitHub did not send you here, or it was for another run of this command.");
    }
    if (isUsed) return refuse(response, 409, "This address was used already.");
    isUsed = true;
    resolve({ code, answer: (status, page) => send(response, status, page) });
  }

  return {
    url: `http://${host}/${state}`,
    returned,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function refuse(response: ServerResponse, status: number, message: string): Promise<void> {
  await send(response, status, await failedPage(message, "Open the address that the terminal shows."));
}

async function send(response: ServerResponse, status: number, page: Page): Promise<void> {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": contentSecurityPolicy,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    connection: "close",
  });
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  response.once("close", resolve);
  response.end(String(page));
  if (!response.destroyed) await gone;
}

/** Compares in a time that says nothing about where they differ. */
function isSame(given: string, wanted: string): boolean {
  const [left, right] = [given, wanted].map((text) => createHash("sha256").update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

function cannotListen(port: number, cause: unknown): CliError {
  // Servers fail to listen with system errors only.
  const { code } = cause as NodeJS.ErrnoException;
  const why = code === "EADDRINUSE" ? "it is in use" : code === "EACCES" ? "you may not listen there" : String(code);
  return new CliError("usage", "port-unavailable", `Port ${port} cannot be taken: ${why}.`, {
    remedy: "Give another with --port; 0 takes a free one.",
    cause,
  });
}
