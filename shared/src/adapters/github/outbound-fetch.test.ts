import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { startConnectProxy, type ConnectProxy } from "../../testing/connect-proxy.ts";
import { certificate, certificateKey as key } from "../../testing/test-certificate.ts";
import { createOutboundFetch } from "./outbound-fetch.ts";

const open: Server[] = [];
const proxies: ConnectProxy[] = [];
afterEach(async () => {
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  for (const server of open.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function listening(server: Server): Promise<string> {
  open.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  // A TCP server's address is an AddressInfo.
  return String((server.address() as AddressInfo).port);
}

async function startProxy(): Promise<ConnectProxy> {
  const proxy = await startConnectProxy();
  proxies.push(proxy);
  return proxy;
}

const echo: RequestListener = (request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += String(chunk)));
  request.on("end", () => {
    response.writeHead(201, { "content-type": "application/json", "x-method": request.method ?? "" });
    response.end(JSON.stringify({ body, accept: request.headers.accept }));
  });
};

describe("a fetch of our own", () => {
  test("sends a text and answers with status, headers and body", async () => {
    const port = await listening(createServer(echo));
    const response = await createOutboundFetch({})(`http://127.0.0.1:${port}/a`, {
      method: "POST",
      headers: { accept: "application/json" },
      body: "ünï",
    });
    expect([response.status, response.headers.get("x-method")]).toEqual([201, "POST"]);
    expect(await response.json()).toEqual({ body: "ünï", accept: "application/json" });
  });

  test("asks the proxy for hosts that it is for, and others directly", async () => {
    const proxy = await startProxy();
    const port = await listening(createServer(echo));
    const fetch = createOutboundFetch({ httpProxy: proxy.url, noProxy: "127.0.0.1" });
    expect(await (await fetch("http://github.test/a")).text()).toBe("by the proxy");
    expect((await fetch(`http://127.0.0.1:${port}/b`)).status).toBe(201);
    expect(proxy.asked).toEqual(["GET http://github.test/a"]);
  });

  test("reaches TLS through the proxy's tunnel, and trusts the certificates that it was given", async () => {
    const port = await listening(createTlsServer({ key, cert: certificate }, echo));
    const proxy = await startProxy();
    const url = `https://github.test:${port}/a`;
    const trusting = createOutboundFetch({ httpsProxy: proxy.url, extraCertificates: certificate });
    expect((await trusting(url)).status).toBe(201);
    expect(proxy.asked).toEqual([`CONNECT github.test:${port}`]);
    const strict = createOutboundFetch({ httpsProxy: proxy.url });
    await expect(strict(url)).rejects.toMatchObject({ cause: { code: expect.stringMatching(/SELF_SIGNED|VERIFY/) } });
  });

  test("does not take a body that broke off for a whole one, and stops when it is told to", async () => {
    const port = await listening(
      createServer((request, response) => {
        if (request.url === "/never") return;
        response.writeHead(200, { "content-length": "100" });
        response.write("{", () => response.destroy());
      }),
    );
    const fetch = createOutboundFetch({});
    await expect(fetch(`http://127.0.0.1:${port}/short`)).rejects.toBeInstanceOf(TypeError);
    const signal = AbortSignal.timeout(1);
    await expect(fetch(`http://127.0.0.1:${port}/never`, { signal })).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test("stops when it is told to, and one that was told before asks nobody, though the proxy never answers", async () => {
    const tunnels: Socket[] = [];
    const proxy = createServer().on("connect", (_, socket: Socket) => void tunnels.push(socket));
    const fetch = createOutboundFetch({ httpsProxy: `http://127.0.0.1:${await listening(proxy)}` });
    const abort = new AbortController();
    const asked = fetch("https://github.test/a", { signal: abort.signal });
    await once(proxy, "connect");
    abort.abort(new Error("it takes too long"));
    await expect(asked).rejects.toThrow("it takes too long");
    await expect(fetch("https://github.test/a", { signal: abort.signal })).rejects.toThrow("it takes too long");
    for (const tunnel of tunnels) tunnel.destroy();
  });
});
