import { afterEach, describe, expect, test } from "vitest";
import type { Endpoint } from "./function-endpoint.ts";
import { PortUnavailable, startHttpServer, type HttpServer } from "./http-server.ts";

const host = "127.0.0.1";
const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

async function start(endpoint: Endpoint, port = 0): Promise<HttpServer> {
  const server = await startHttpServer(endpoint, port, host);
  servers.push(server);
  return server;
}
const hello: Endpoint = async () => new Response("hello");

test("serves an endpoint on a free port", async () => {
  const { port } = await start(hello);
  expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe("hello");
});

test("an endpoint that throws costs one answer, not the server", async () => {
  const { port } = await start(async (request) => {
    if (request.url.endsWith("/bad")) throw new Error("x");
    return new Response("hello");
  });
  expect((await fetch(`http://${host}:${port}/bad`)).status).toBe(500);
  expect((await fetch(`http://${host}:${port}/`)).status).toBe(200);
});

test("a port that is in use is named, with the remedy", async () => {
  const { port } = await start(hello);
  const refused = startHttpServer(hello, port, host);
  await expect(refused).rejects.toThrow(PortUnavailable);
  await expect(refused).rejects.toThrow(`Port ${port} on ${host} is in use. Choose another one with PORT or --port.`);
});

describe("closing", () => {
  test("lets what is under way finish, and takes nothing more", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Response>();
    const server = await start(() => {
      asked.resolve();
      return answer.promise;
    });
    const response = fetch(`http://${host}:${server.port}/`);
    await asked.promise;
    const closed = server.close(60_000);
    await expect(fetch(`http://${host}:${server.port}/`)).rejects.toThrow("fetch failed");
    answer.resolve(new Response("finished"));
    expect(await (await response).text()).toBe("finished");
    await closed;
  });

  test("cuts off what takes longer than its grace", async () => {
    const asked = Promise.withResolvers<void>();
    const server = await start(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    const response = fetch(`http://${host}:${server.port}/`);
    await asked.promise;
    await Promise.all([expect(response).rejects.toThrow("fetch failed"), server.close(1)]);
  });
});
