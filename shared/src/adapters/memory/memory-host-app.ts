import type { Clock } from "../../ports/clock.ts";
import { CodeHostRefused, type Installation } from "../../ports/code-host.ts";
import type { FailedDelivery, HostApp } from "../../ports/host-app.ts";

/** GitHub's window: three days. */
const rememberedForMs = 3 * 24 * 60 * 60_000;

interface Attempt {
  readonly id: number;
  readonly guid: string;
  readonly event: string;
  readonly at: Date;
  readonly status: number;
}

/** An App in memory, with what a test needs to arrange and to look at. */
export interface MemoryHostApp extends HostApp {
  /** Installs the App on the account, or changes the installation that is there. */
  install(account: string, state?: { readonly suspended: boolean }): Installation;
  uninstall(account: string): void;
  /** How the receiver of webhooks answers from now on: 202 unless a test says otherwise. */
  answerWebhooksWith(status: number): void;
  /** Something happens, and a webhook is sent of it, once. Answers its guid. */
  sendWebhook(event: string): string;
  /** The guids that were asked for again, in order. */
  readonly redelivered: readonly string[];
  /** The next call of `method` throws before it does anything. */
  failNext(method: keyof HostApp, error: Error): void;
}

export function createMemoryHostApp({ clock }: { readonly clock: Clock }): MemoryHostApp {
  const installed = new Map<string, Installation>();
  const attempts: Attempt[] = [];
  const redelivered: string[] = [];
  const failures: { readonly method: keyof HostApp; readonly error: Error }[] = [];
  let lastId = 0;
  let status = 202;

  const nextId = (): number => (lastId += 1);

  const attempt = (guid: string, event: string): void => {
    attempts.push({ id: nextId(), guid, event, at: clock.now(), status });
  };

  const remembered = (): readonly Attempt[] => {
    const oldest = clock.now().getTime() - rememberedForMs;
    return attempts.filter(({ at }) => at.getTime() >= oldest).toReversed();
  };

  const failure = (method: keyof HostApp): void => {
    const next = failures.findIndex((each) => each.method === method);
    const [found] = next < 0 ? [] : failures.splice(next, 1);
    if (found) throw found.error;
  };

  return {
    redelivered,

    async installations() {
      failure("installations");
      return [...installed.values()];
    },

    async failedDeliveries({ since, atMost }) {
      failure("failedDeliveries");
      const failed = remembered().filter(({ at, status }) => at >= since && status >= 400);
      const byGuid = Map.groupBy(failed, ({ guid }) => guid);
      return [...byGuid.values()].slice(0, atMost).flatMap(failedDelivery);
    },

    async redeliver(attemptId) {
      failure("redeliver");
      const found = remembered().find(({ id }) => String(id) === attemptId);
      if (!found) throw new CodeHostRefused("not-found", `There is no webhook delivery ${attemptId} any more.`);
      redelivered.push(found.guid);
      attempt(found.guid, found.event);
    },

    async check() {
      failure("check");
    },

    install(account, { suspended } = { suspended: false }) {
      const id = installed.get(account)?.id ?? nextId();
      const installation = { id, account, suspended };
      installed.set(account, installation);
      return installation;
    },

    uninstall: (account) => void installed.delete(account),

    answerWebhooksWith(answer) {
      status = answer;
    },

    sendWebhook(event) {
      const guid = `guid-${nextId()}`;
      attempt(guid, event);
      return guid;
    },

    failNext: (method, error) => void failures.push({ method, error }),
  };
}

/** Of the failed attempts of one delivery, newest first. */
function failedDelivery(attempts: readonly Attempt[]): readonly FailedDelivery[] {
  const [newest] = attempts;
  if (!newest) return [];
  const { id, guid, event, at, status } = newest;
  return [
    { guid, attemptId: String(id), event, attempts: attempts.length, attemptedAt: at, because: `${status} Failed` },
  ];
}
