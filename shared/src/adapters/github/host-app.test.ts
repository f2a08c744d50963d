import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import { aReceiver } from "#test/github/testing/a-receiver.ts";
import { createVirtualClock } from "#test/github/virtual-clock.ts";
import { CodeHostBusy, CodeHostRefused, CodeHostUnavailable } from "../../ports/code-host.ts";
import { hostAppContract } from "../../testing/host-app.contract.ts";
import { fakeKey, fakeNow } from "./testing/fake-github.ts";
import { createGitHubHostApp } from "./host-app.ts";
import { appClient } from "./testing/app-client.ts";

const root = await mkdtemp(join(tmpdir(), "octobatch-host-app-"));
afterAll(() => rm(root, { recursive: true, force: true }));

const start = async (clock = createVirtualClock(new Date("2030-01-02T03:04:05Z"))): Promise<LocalGitHub> =>
  startGitHub({ directory: await mkdtemp(join(root, "repositories-")), clock, validate: true });

async function close(github: LocalGitHub): Promise<void> {
  const violations = github.violations();
  await github.close();
  expect(violations).toEqual([]);
}

hostAppContract("GitHub's App", async () => {
  const clock = createVirtualClock(new Date("2030-01-02T03:04:05Z"));
  const github = await start(clock);
  const receiver = await aReceiver();
  const { apiUrl, app } = github;
  await github.addOrganization("acme", { installed: false });
  const repository = await github.addRepository({ owner: "acme", name: "api" });
  for (const login of ["globex", "initech"]) await github.addOrganization(login, { installed: false });
  const client = appClient({ apiUrl, appId: String(app.id), privateKey: app.privateKey, clock });
  return {
    hostApp: createGitHubHostApp({ app: client }),
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    async install(account) {
      await github.install(account);
      github.setWebhookUrl(receiver.url);
    },
    suspend: (account) => github.suspend(account),
    uninstall: (account) => github.uninstall(account),
    answerWebhooksWith: (status) => void (receiver.status = status),
    async happen() {
      await github.archive("acme/api", !repository.isArchived);
      await github.webhooksSettled();
    },
    async received() {
      await github.webhooksSettled();
      return receiver.received.map(({ headers }) => String(headers["x-github-delivery"]));
    },
    close: () => close(github),
  };
});

describe("over the local GitHub, the App", () => {
  test("lists more installations than a page holds, each once", async () => {
    const github = await start();
    const names = Array.from({ length: 103 }, (_, index) => `org-${index}`);
    for (const name of names) await github.addOrganization(name);
    const { apiUrl, app } = github;
    const clock = createVirtualClock(new Date("2030-01-02T03:04:05Z"));
    const client = appClient({ apiUrl, appId: String(app.id), privateKey: app.privateKey, clock });
    const found = await createGitHubHostApp({ app: client }).installations();
    expect(found.map(({ account }) => account).toSorted()).toEqual(names.toSorted());
    await close(github);
  });

  test("says what is wrong with its key", async () => {
    const github = await start();
    const clock = createVirtualClock(new Date("2030-01-02T03:04:05Z"));
    const client = appClient({ apiUrl: github.apiUrl, appId: "4711", privateKey: fakeKey, clock });
    await expect(createGitHubHostApp({ app: client }).check()).rejects.toMatchObject({ kind: "bad-credentials" });
    await close(github);
  });
});

describe("what GitHub answers", () => {
  type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body: string };

  /** The App over a fetch that answers by method and path; what was asked is kept. */
  function answering(answers: Readonly<Record<string, Answer>>) {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const route = `${init?.method ?? "GET"} ${url.pathname}`;
      asked.push(`${route}${url.search}`);
      const { status = 200, headers, body } = answers[route] ?? { status: 404, body: '{"message":"Not Found"}' };
      return new Response(body, { status, headers: { "content-type": "application/json", ...headers } });
    };
    const clock = { now: () => fakeNow };
    const client = appClient({ apiUrl: "https://api.github.com", appId: "1", privateKey: fakeKey, clock, fetch });
    return { hostApp: createGitHubHostApp({ app: client }), asked };
  }

  const item = (parts: object) =>
    JSON.stringify({
      guid: "guid",
      delivered_at: fakeNow.toISOString(),
      status: "failed to connect to host",
      status_code: 502,
      event: "push",
      ...parts,
    });
  const query = { since: new Date(0), atMost: 10 };

  test("has ids that are too large for a number, and they are asked for to the last digit", async () => {
    const id = "3841651795600416769";
    const attempts = `/app/hook/deliveries/${id}/attempts`;
    const { hostApp, asked } = answering({
      "GET /app/hook/deliveries": { body: `[${item({ id: 0 }).replace('"id":0', `"id":${id}`)}]` },
      [`POST ${attempts}`]: { status: 202, body: "{}" },
    });
    const [delivery] = await hostApp.failedDeliveries(query);
    expect(delivery).toMatchObject({ attemptId: id, because: "502 failed to connect to host" });
    await hostApp.redeliver(delivery?.attemptId ?? "");
    expect(asked.at(-1)).toBe(`POST ${attempts}`);
  });

  test("may hold deliveries that arrived, from a server that does not know how to leave them out", async () => {
    const body = `[${item({ id: 2, status: "OK", status_code: 200 })},${item({ id: 1 })}]`;
    const { hostApp } = answering({ "GET /app/hook/deliveries": { body } });
    expect(await hostApp.failedDeliveries(query)).toMatchObject([{ attemptId: "1", attempts: 1 }]);
  });

  test("about the deliveries of an App without a webhook is 404, and there are none", async () => {
    const { hostApp } = answering({});
    expect(await hostApp.failedDeliveries(query)).toEqual([]);
  });

  test("of an account that is an enterprise is no installation of ours", async () => {
    const body = JSON.stringify([
      { id: 1, account: { id: 1, slug: "big", name: "Big" }, suspended_at: null },
      { id: 2, account: { id: 2, login: "acme" }, suspended_at: null },
    ]);
    const { hostApp } = answering({ "GET /app/installations": { body } });
    expect(await hostApp.installations()).toEqual([{ id: 2, account: "acme", suspended: false }]);
  });

  test.each<[string, Answer, new (...parts: never[]) => Error]>([
    ["that it is gone", { status: 404, body: '{"message":"Not Found"}' }, CodeHostRefused],
    ["that it cannot be made again", { status: 422, body: '{"message":"Validation Failed"}' }, CodeHostRefused],
    ["that it is broken", { status: 502, body: '{"message":"Server Error"}' }, CodeHostUnavailable],
    [
      "that it wants to wait",
      { status: 429, headers: { "retry-after": "60" }, body: '{"message":"You have exceeded a secondary rate limit"}' },
      CodeHostBusy,
    ],
  ])("to one more attempt %s is named", async (_, answer, error) => {
    const { hostApp } = answering({ "POST /app/hook/deliveries/7/attempts": answer });
    await expect(hostApp.redeliver("7")).rejects.toBeInstanceOf(error);
  });
});
