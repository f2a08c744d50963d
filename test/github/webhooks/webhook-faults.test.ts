import { describe, expect, it } from "vitest";
import { anOrganization, type Scene } from "../testing/an-organization.ts";
import { aReceiver, type Receiver } from "../testing/a-receiver.ts";
import { createVirtualClock, type VirtualClock } from "../virtual-clock.ts";

interface FaultyScene extends Scene {
  readonly clock: VirtualClock;
  readonly receiver: Receiver;
  /** The actions that arrived, in order. */
  readonly arrived: () => readonly string[];
}

async function aScene(): Promise<FaultyScene> {
  const [clock, receiver] = [createVirtualClock(new Date()), await aReceiver()];
  const scene = await anOrganization({ validate: false, clock });
  scene.github.setWebhookUrl(receiver.url);
  const arrived = (): readonly string[] =>
    // The body is what the server under test wrote.
    receiver.received.map(({ body }) => (JSON.parse(body) as { action: string }).action);
  return { ...scene, clock, receiver, arrived };
}

describe("faults of webhooks", () => {
  it("lose a delivery without a trace, or with a record that allows to redeliver it", async () => {
    const { github, arrived, receiver, app } = await aScene();
    github.webhookFaults.add({ kind: "lose", event: "repository", action: "renamed" });
    github.webhookFaults.add({ kind: "fail", event: "repository", action: "archived" });
    await github.rename("acme/one", "uno");
    await github.archive("acme/uno");
    await github.archive("acme/uno", false);
    await github.webhooksSettled();
    expect(arrived()).toEqual(["unarchived"]);
    const { data } = await app.octokit.request("GET /app/hook/deliveries", { status: "failure" });
    expect(data).toMatchObject([{ action: "archived", status: "failed to connect to host", status_code: 502 }]);
    const delivery_id = Number(data[0]?.id);
    await app.octokit.request("POST /app/hook/deliveries/{delivery_id}/attempts", { delivery_id });
    await github.webhooksSettled();
    expect(receiver.received.at(-1)?.headers["x-github-delivery"]).toBe(data[0]?.guid);
    expect(github.deliveries.at(-1)).toMatchObject({ guid: data[0]?.guid, isRedelivery: true, status: "OK" });
  });

  it("deliver twice under one id, and the later before the earlier", async () => {
    const { github, arrived, receiver } = await aScene();
    github.webhookFaults.add({ kind: "hold", action: "archived" });
    github.webhookFaults.add({ kind: "duplicate", action: "renamed" });
    await github.archive("acme/one");
    await github.archive("acme/one", false);
    await expect.poll(arrived).toHaveLength(2);
    expect(arrived().toSorted()).toEqual(["archived", "unarchived"]);
    expect(github.deliveries.map(({ action }) => action)).toEqual(["unarchived", "archived"]);
    await github.rename("acme/one", "uno");
    await github.webhooksSettled();
    const ids = receiver.received.slice(2).map(({ headers }) => headers["x-github-delivery"]);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it("lets go of what it held back when nothing comes after it", async () => {
    const { github, arrived } = await aScene();
    github.webhookFaults.add({ kind: "hold" });
    await github.archive("acme/one");
    expect(arrived()).toEqual([]);
    await github.webhooksSettled();
    expect(arrived()).toEqual(["archived"]);
  });

  it("delay a delivery by the clock", async () => {
    const { github, arrived, clock } = await aScene();
    github.webhookFaults.add({ kind: "delay", ms: 120_000 });
    await github.archive("acme/one");
    await github.webhooksSettled();
    expect(arrived()).toEqual([]);
    clock.advance(120_000);
    await expect.poll(arrived).toEqual(["archived"]);
  });

  it("are forgotten by the record of deliveries after three days, page by page", async () => {
    const { github, clock } = await aScene();
    github.webhookFaults.add({ kind: "fail", times: 5 });
    for (let count = 0; count < 5; count += 1) await github.archive("acme/one", count % 2 === 0);
    await github.webhooksSettled();
    const list = async (
      query: string,
    ): Promise<{ readonly ids: readonly number[]; readonly next: string | undefined }> => {
      const headers = { authorization: `Bearer ${github.appJwt()}` };
      const response = await fetch(`${github.apiUrl}/app/hook/deliveries?${query}`, { headers });
      const body = (await response.json()) as { id: number }[];
      const next = /cursor=(?<cursor>[^&>]+)/.exec(response.headers.get("link") ?? "")?.groups?.["cursor"];
      return { ids: body.map(({ id }) => id), next };
    };
    const first = await list("status=failure&per_page=3");
    const second = await list(`status=failure&per_page=3&cursor=${first.next ?? ""}`);
    expect([first.ids.length, second.ids.length, second.next]).toEqual([3, 2, undefined]);
    expect(new Set([...first.ids, ...second.ids]).size).toBe(5);
    expect((await list("status=success")).ids).toEqual([]);
    clock.advance(3 * 24 * 3_600_000 + 1);
    expect((await list("status=failure")).ids).toEqual([]);
  });
});
