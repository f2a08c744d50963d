import { z } from "zod";
import { CodeHostRefused, type Installation } from "../../ports/code-host.ts";
import type { FailedDelivery, HostApp } from "../../ports/host-app.ts";
import type { Purpose } from "./errors.ts";
import type { Api } from "./octokit.ts";

/** Asks GitHub by the App's key. Each `request` makes one request. */
export interface AppClient {
  /** Sent again a few times when GitHub is unavailable. */
  read<T>(purpose: Purpose, request: (api: Api) => Promise<T>): Promise<T>;

  /** Sent once. */
  write<T>(purpose: Purpose, request: (api: Api) => Promise<T>): Promise<T>;
}

const perPage = 100;
/** Of deliveries, the newest first: what is further down was there the last time, too. */
const maxPages = 30;

/**
 * An attempt as https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook shows it. Its id has up
 * to 19 digits, more than a number holds; Octokit reads those as a bigint.
 */
const attempt = z.object({
  id: z.union([z.int(), z.bigint()]).transform(String),
  guid: z.string(),
  delivered_at: z.coerce.date(),
  status: z.string(),
  status_code: z.int(),
  event: z.string(),
});

type Attempt = z.infer<typeof attempt>;

/** The App itself at GitHub, github.com or Enterprise Server. */
export function createGitHubHostApp({ app }: { readonly app: AppClient }): HostApp {
  async function pageOfAttempts(cursor: string | undefined) {
    const query = { per_page: perPage, status: "failure" as const, ...(cursor === undefined ? {} : { cursor }) };
    try {
      const { data, headers } = await app.read({ doing: "list the webhooks that GitHub could not deliver" }, (api) =>
        api.request("GET /app/hook/deliveries", query),
      );
      return { attempts: z.array(attempt).parse(data), next: nextCursor(headers.link) };
    } catch (error) {
      // An App without a webhook has no such list.
      if (error instanceof CodeHostRefused && error.kind === "not-found") return { attempts: [], next: undefined };
      throw error;
    }
  }

  /** Failed attempts since then, newest first. */
  async function* failedSince(since: Date): AsyncGenerator<Attempt> {
    let cursor: string | undefined;
    for (let page = 1; page <= maxPages; page += 1) {
      const { attempts, next } = await pageOfAttempts(cursor);
      for (const each of attempts) {
        if (each.delivered_at < since) return;
        // An Enterprise Server that does not know `status` lists those that arrived, too.
        if (!hasArrived(each)) yield each;
      }
      if (next === undefined) return;
      cursor = next;
    }
  }

  return {
    async installations() {
      const installations: Installation[] = [];
      for (let page = 1; ; page += 1) {
        const { data } = await app.read({ doing: "list the App's installations" }, (api) =>
          api.request("GET /app/installations", { per_page: perPage, page }),
        );
        for (const { id, account, suspended_at } of data) {
          // An enterprise has no login; it owns no repositories either.
          if (account && "login" in account) {
            installations.push({ id, account: account.login, suspended: Boolean(suspended_at) });
          }
        }
        if (data.length < perPage) return installations;
      }
    },

    async failedDeliveries({ since, atMost }) {
      const found = new Map<string, FailedDelivery>();
      for await (const each of failedSince(since)) {
        const newest = found.get(each.guid);
        if (newest) found.set(each.guid, { ...newest, attempts: newest.attempts + 1 });
        else if (found.size < atMost) found.set(each.guid, firstSeen(each));
        else break;
      }
      return [...found.values()];
    },

    async redeliver(attemptId) {
      // Not by the typed route: its id would have to be a number.
      await app.write({ doing: `have webhook delivery ${attemptId} made again` }, (api) =>
        api.request(`POST /app/hook/deliveries/${encodeURIComponent(attemptId)}/attempts`),
      );
    },

    async check() {
      await app.read({ doing: "sign in to GitHub as the App" }, ({ request }) => request("GET /app"));
    },
  };
}

/** What GitHub itself counts as a success: the parameter `status` of the list. */
function hasArrived({ status_code }: Attempt): boolean {
  return status_code >= 200 && status_code < 400;
}

function firstSeen({ id, guid, event, delivered_at, status, status_code }: Attempt): FailedDelivery {
  return { guid, attemptId: id, event, attempts: 1, attemptedAt: delivered_at, because: `${status_code} ${status}` };
}

/** `<https://…?cursor=v1_123>; rel="next"`. */
function nextCursor(link: string | undefined): string | undefined {
  const [, url] = /<([^>]+)>; rel="next"/.exec(link ?? "") ?? [];
  return (url && new URL(url).searchParams.get("cursor")) || undefined;
}
