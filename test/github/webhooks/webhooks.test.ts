import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { readBody } from "../http/incoming.ts";
import { anOrganization, aPullRequest } from "../testing/an-organization.ts";

interface Receiver {
  readonly url: string;
  readonly received: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
  status: number;
}

async function aReceiver(): Promise<Receiver> {
  const received: Receiver["received"] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      received.push({ headers: request.headers, body: body.toString("utf8") });
      response.writeHead(receiver.status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  // A TCP server's address is an AddressInfo.
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    status: 202,
  };
  return receiver;
}

describe("webhooks", () => {
  it("are signed and tell of what happens to a pull request", async () => {
    const receiver = await aReceiver();
    const scene = await anOrganization({ validate: false });
    scene.github.setWebhookUrl(receiver.url);
    const number = await aPullRequest(scene);
    await scene.github.mergePullRequest("acme/one", number);
    await scene.github.webhooksSettled();
    const events = receiver.received.map(({ headers, body }) => {
      const mac = createHmac("sha256", scene.github.app.webhookSecret).update(body).digest("hex");
      expect(headers["x-hub-signature-256"]).toBe(`sha256=${mac}`);
      // The body is what the server under test wrote.
      const payload = JSON.parse(body) as {
        action?: string;
        pull_request?: { merged: boolean };
        installation: { id: number };
      };
      expect(payload.installation.id).toBe(scene.github.installation("acme").id);
      return [headers["x-github-event"], payload.action, payload.pull_request?.merged]
        .filter((part) => part !== undefined)
        .join(" ");
    });
    expect(events.toSorted()).toEqual(["pull_request closed true", "pull_request opened false", "push", "push"]);
  });

  it("are not repeated by themselves, but on demand under the same id", async () => {
    const receiver = await aReceiver();
    receiver.status = 500;
    const { github, app } = await anOrganization({ validate: false });
    github.setWebhookUrl(receiver.url);
    await github.rename("acme/one", "uno");
    await github.webhooksSettled();
    const { data: failed } = await app.octokit.request("GET /app/hook/deliveries", { status: "failure" });
    expect(failed).toMatchObject([{ event: "repository", action: "renamed", status_code: 500, redelivery: false }]);
    receiver.status = 200;
    await app.octokit.request("POST /app/hook/deliveries/{delivery_id}/attempts", {
      delivery_id: Number(failed[0]?.id),
    });
    await github.webhooksSettled();
    expect(receiver.received.map(({ headers }) => headers["x-github-delivery"])).toEqual([
      failed[0]?.guid,
      failed[0]?.guid,
    ]);
    expect(github.deliveries.map(({ status, isRedelivery }) => [status, isRedelivery])).toEqual([
      ["Internal Server Error", false],
      ["OK", true],
    ]);
  });
});
