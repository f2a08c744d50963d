import { getRequestListener } from "@hono/node-server";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Endpoint } from "./function-endpoint.ts";

export interface HttpServer {
  readonly port: number;
  /** Stops accepting, lets what is under way finish for up to `graceMs`, then cuts it off. */
  close(graceMs: number): Promise<void>;
}

/** The port is taken, or may not be used. */
export class PortUnavailable extends Error {
  override readonly name = "PortUnavailable";
}

/**
 * Serves an endpoint over HTTP.
 * @param port 0 takes a free one. @param host Where to listen; a function in a pod listens on all addresses.
 * @throws PortUnavailable with the remedy.
 */
export async function startHttpServer(endpoint: Endpoint, port: number, host: string): Promise<HttpServer> {
  const listener = getRequestListener(endpoint, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => {
    // It answers for itself, errors included.
    void listener(incoming, outgoing);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "is in use" : `cannot be used (${cause.code ?? cause.message})`;
      reject(new PortUnavailable(`Port ${port} on ${host} ${why}. Choose another one with PORT or --port.`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return {
    // A listening TCP server has an address of this type.
    port: (server.address() as AddressInfo).port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
