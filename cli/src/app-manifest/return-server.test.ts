import { request } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { html } from "hono/html";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { openReturnServer, type Addresses, type ReturnServer } from "./return-server.ts";
import { visit } from "./testing/browser.ts";

let server: ReturnServer;
let addresses: Addresses;

beforeEach(async () => {
  server = await openReturnServer(0, async (given) => {
    addresses = given;
    return html`<p>begin</p>`;
  });
  onTestFinished(() => server.close());
  await visit(server.url);
});

function back(query: Readonly<Record<string, string>>): URL {
  return new URL(`?${new URLSearchParams(query).toString()}`, addresses.redirectUrl);
}

test("the browser waits until it is told what came of its code", async () => {
  const shown = visit(back({ state: addresses.state, code: "c0de" }));
  const { code, answer } = await server.returned;
  expect(code).toBe("c0de");
  await answer(200, await html`<p>made</p>`);
  expect(await shown).toMatchObject({ status: 200, page: "<p>made</p>" });
});

test("a browser that has gone holds nobody up", async () => {
  const leaving = new AbortController();
  const shown = fetch(back({ state: addresses.state, code: "c0de" }), { signal: leaving.signal });
  const { answer } = await server.returned;
  leaving.abort(new Error("closed the tab"));
  await expect(shown).rejects.toThrow("closed the tab");
  await answer(200, await html`<p>made</p>`);
});

test("a code comes in once", async () => {
  const first = visit(back({ state: addresses.state, code: "first" }));
  const { code, answer } = await server.returned;
  expect(await visit(back({ state: addresses.state, code: "second" }))).toMatchObject({
    status: 409,
    page: expect.stringContaining("used already"),
  });
  await answer(200, await html`<p>made</p>`);
  expect([code, (await first).status]).toEqual(["first", 200]);
});

test("a state that is not ours, or a code that is missing, is refused and uses nothing up", async () => {
  const wrong = [{ state: "", code: "x" }, { state: `${addresses.state}x`, code: "x" }, { code: "x" }];
  for (const query of [...wrong, { state: addresses.state }, { state: addresses.state, code: "" }]) {
    expect((await visit(back(query))).status).toBe(400);
  }
  const right = visit(back({ state: addresses.state, code: "right" }));
  const { code, answer } = await server.returned;
  await answer(200, await html``);
  expect([code, (await right).status]).toEqual(["right", 200]);
});

test("only who knows the address gets the page that begins", async () => {
  const { origin } = new URL(server.url);
  for (const path of ["/", "/index.html", `/${"A".repeat(43)}`, "//", "/%00"]) {
    expect((await visit(origin + path)).status).toBe(404);
  }
});

test("another name for this address, as a hostile site may give it, is not served", async () => {
  const { port, pathname } = new URL(server.url);
  const asked = request({ host: "127.0.0.1", port, path: pathname, headers: { host: `evil.test:${port}` } }).end();
  const [response] = await once(asked, "response");
  expect([response.statusCode, await text(response)]).toEqual([404, expect.not.stringContaining("begin")]);
});

test("its pages send no referrer, are not kept, and run nothing but their own script", async () => {
  const { headers } = await fetch(server.url);
  expect(Object.fromEntries(headers)).toMatchObject({
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": expect.stringMatching(/^default-src 'none'; script-src 'sha256-[^']+'; style-src/u),
  });
});

test("a port that is in use is told with the remedy", async () => {
  const port = Number(new URL(server.url).port);
  await expect(openReturnServer(port, async () => html``)).rejects.toMatchObject({
    message: `Port ${port} cannot be taken: it is in use.`,
    remedy: expect.stringContaining("--port"),
  });
});
