import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { aReceiver } from "../testing/a-receiver.ts";
import { anOrganization, aPullRequest } from "../testing/an-organization.ts";

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
