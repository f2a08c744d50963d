import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CodeHostRefused } from "../ports/code-host.ts";
import type { HostApp } from "../ports/host-app.ts";

/** An App to try, the hands of those who install it, and a receiver of its webhooks. */
export interface HostAppStage {
  readonly hostApp: HostApp;
  /** An instant of the code host's clock, in whole seconds, as it shows them. */
  now(): Date;
  advance(ms: number): void;
  install(account: string): Promise<void>;
  suspend(account: string): Promise<void>;
  uninstall(account: string): Promise<void>;
  /** How the receiver answers from now on; 202 at first. */
  answerWebhooksWith(status: number): void;
  /** Something happens of which the App is told by a `repository` webhook; resolves when the receiver has answered. */
  happen(): Promise<void>;
  /** Resolves when no webhook is under way. Answers the guids that were received, in order. */
  received(): Promise<readonly string[]>;
  /** Ends it, after what it has to say against how it was used. */
  close(): Promise<void>;
}

const minute = 60_000;
const day = 24 * 60 * minute;

/** What every {@link HostApp} promises. `open` gives a stage of its own to each test, with the App installed nowhere. */
export function hostAppContract(name: string, open: () => Promise<HostAppStage>): void {
  describe(`${name} is an App that`, () => {
    let stage: HostAppStage;
    let hostApp: HostApp;
    let begunAt: Date;
    beforeEach(async () => {
      stage = await open();
      ({ hostApp } = stage);
      begunAt = stage.now();
    });
    afterEach(() => stage.close());

    const failed = (query: { since?: Date; atMost?: number } = {}) =>
      hostApp.failedDeliveries({ since: begunAt, atMost: 1000, ...query });

    async function theOneThatFailed() {
      const [found, ...others] = await failed();
      if (!found || others.length > 0) throw new Error("There has to be one failed delivery.");
      return found;
    }

    async function failures(count: number): Promise<void> {
      stage.answerWebhooksWith(500);
      for (let done = 0; done < count; done += 1) {
        stage.advance(minute);
        await stage.happen();
      }
    }

    test("answers to its key", async () => {
      await expect(hostApp.check()).resolves.toBeUndefined();
    });

    test("says where it is installed and where that is suspended", async () => {
      expect(await hostApp.installations()).toEqual([]);
      for (const account of ["acme", "globex", "initech"]) await stage.install(account);
      await stage.suspend("globex");
      await stage.uninstall("initech");
      const found = await hostApp.installations();
      expect(found.map(({ account, suspended }) => [account, suspended])).toEqual([
        ["acme", false],
        ["globex", true],
      ]);
      expect(new Set(found.map(({ id }) => id)).size).toBe(2);
    });

    test("lists no delivery that arrived", async () => {
      await stage.install("acme");
      await stage.happen();
      expect(await failed()).toEqual([]);
    });

    test("lists one that failed, with what became of it, and makes it again under the same id", async () => {
      await stage.install("acme");
      await failures(1);
      const delivery = await theOneThatFailed();
      expect(delivery).toMatchObject({
        event: "repository",
        attempts: 1,
        attemptedAt: stage.now(),
        because: expect.stringMatching(/^500 /),
      });
      stage.answerWebhooksWith(202);
      await hostApp.redeliver(delivery.attemptId);
      expect((await stage.received()).at(-1)).toBe(delivery.guid);
    });

    test("lists a delivery once, however often it failed, as its newest attempt went", async () => {
      await stage.install("acme");
      await failures(1);
      const first = await theOneThatFailed();
      for (const status of [500, 503]) {
        stage.advance(minute);
        stage.answerWebhooksWith(status);
        await hostApp.redeliver((await theOneThatFailed()).attemptId);
        await stage.received();
      }
      const last = await theOneThatFailed();
      expect(last).toMatchObject({ guid: first.guid, attempts: 3, attemptedAt: stage.now() });
      expect(last.because).toMatch(/^503 /);
      expect(last.attemptId).not.toBe(first.attemptId);
    });

    test("still lists one that a later attempt delivered, as the failure it was", async () => {
      await stage.install("acme");
      await failures(1);
      const delivery = await theOneThatFailed();
      stage.answerWebhooksWith(202);
      stage.advance(minute);
      await hostApp.redeliver(delivery.attemptId);
      await stage.received();
      expect(await theOneThatFailed()).toEqual(delivery);
    });

    test("lists the newest first, as many as asked for, and none from before", async () => {
      await stage.install("acme");
      await failures(3);
      const all = await failed();
      expect(all).toHaveLength(3);
      const [newest, middle] = all;
      expect(newest?.attemptedAt).toEqual(stage.now());
      expect(await failed({ atMost: 2 })).toEqual([newest, middle]);
      expect(await failed({ since: stage.now() })).toEqual([newest]);
    });

    test("lists more than a page of them, each once", async () => {
      await stage.install("acme");
      await failures(104);
      const all = await failed();
      expect(new Set(all.map(({ guid }) => guid)).size).toBe(104);
      expect(all.map(({ attemptedAt }) => attemptedAt)).toEqual(
        all.map(({ attemptedAt }) => attemptedAt).toSorted((left, right) => right.getTime() - left.getTime()),
      );
    });

    test("refuses to make a delivery again that nobody remembers", async () => {
      await stage.install("acme");
      await failures(1);
      const { attemptId } = await theOneThatFailed();
      stage.advance(8 * day);
      const refusal = await hostApp.redeliver(attemptId).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(CodeHostRefused);
      expect(["not-found", "invalid"]).toContain((refusal as CodeHostRefused).kind);
      expect(await failed()).toEqual([]);
    });
  });
}
