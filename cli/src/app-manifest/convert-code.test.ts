import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createTestIo } from "../testing/test-io.ts";
import { convertCode } from "./convert-code.ts";

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" });

const told = {
  id: 7,
  slug: "octobatch",
  name: "Octobatch",
  html_url: "https://github.test/github-apps/octobatch",
  client_id: "Iv1.0",
  client_secret: "0123456789",
  webhook_secret: "9876543210",
  pem,
  permissions: {},
};
const made = Response.json(told, { status: 201 });

/** Converts a code at a GitHub that gives these answers, one after the other; undefined is none. */
function convert(...answers: readonly (Response | undefined)[]) {
  const left = [...answers];
  const requests: Request[] = [];
  const io = createTestIo({
    fetch: async (input, init) => {
      requests.push(new Request(input, init));
      const answer = left.shift();
      if (answer !== undefined) return answer.clone();
      throw new TypeError("fetch failed", { cause: Object.assign(new Error("no"), { code: "ECONNRESET" }) });
    },
  });
  const site = { url: "https://github.test", apiUrl: "https://github.test/api/v3" };
  return { app: convertCode("a/b", { site, owner: undefined }, io), requests, io };
}

test("the code goes into the path, and nothing else is sent", async () => {
  const { app, requests } = convert(made);
  expect(await app).toMatchObject({ id: 7, clientId: "Iv1.0", webhookSecret: "9876543210", privateKey: pem });
  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "POST https://github.test/api/v3/app-manifests/a%2Fb/conversions",
  ]);
  expect(requests[0]?.headers.has("authorization")).toBe(false);
  expect(requests[0]?.redirect).toBe("manual");
});

test("an App without a webhook has no secret for one", async () => {
  expect(await convert(Response.json({ ...told, webhook_secret: null }, { status: 201 })).app).not.toHaveProperty(
    "webhookSecret",
  );
});

test("what GitHub may not have done yet is asked again", async () => {
  const { app, io } = convert(undefined, new Response("", { status: 502 }), made);
  expect((await app).id).toBe(7);
  expect(io.slept).toEqual([1000, 3000]);
});

describe("it fails, and says that the App is there, when", () => {
  const remedy = "GitHub has made the App. Delete it at https://github.test/settings/apps, then run this again.";

  test.each([404, 422])("GitHub does not take the code (%i)", async (status) => {
    const { app } = convert(new Response("{}", { status, headers: { "x-github-request-id": "A:1" } }));
    const message = expect.stringMatching(/\(HTTP \d+, request A:1\): it was used already, or is older than an hour/u);
    await expect(app).rejects.toMatchObject({ code: "code-refused", message, remedy });
  });

  test("GitHub cannot be reached", async () => {
    const message = "https://github.test/api/v3 cannot be reached: the connection was cut.";
    await expect(convert().app).rejects.toMatchObject({ code: "unreachable", message, remedy });
  });

  test("GitHub has a failure of its own, or sends elsewhere", async () => {
    const down = new Response("", { status: 503 });
    await expect(convert(down, down, down, down).app).rejects.toMatchObject({ exitCode: 69, remedy });
    const elsewhere = new Response("", { status: 302, headers: { location: "https://evil.test" } });
    await expect(convert(elsewhere).app).rejects.toMatchObject({ code: "conversion-failed", remedy });
  });

  test.each([
    ["a key that is none", { pem: "secret\nX='$(reboot)'" }, "pem"],
    ["a secret with a quote", { webhook_secret: "secret'; reboot" }, "webhook_secret"],
    ["an address that is none", { html_url: "javascript:secret" }, "html_url"],
    ["no id", { id: undefined }, "id"],
  ])("the answer has %s; it is not shown", async (_, wrong, field) => {
    const { app } = convert(Response.json({ ...told, ...wrong }, { status: 201 }));
    await expect(app).rejects.toMatchObject({
      code: "unexpected-answer",
      message: expect.stringMatching(new RegExp(`${field}: (?!.*secret)`, "u")),
      remedy,
    });
  });

  test("the answer is no JSON", async () => {
    await expect(convert(new Response("<html>", { status: 201 })).app).rejects.toMatchObject({ remedy });
  });
});
