import type { CodeHost, Urgency } from "../../ports/code-host.ts";
import type { HostTokens } from "../../ports/host-tokens.ts";
import { appointments } from "./appointments.ts";
import { branches } from "./branches.ts";
import { createClient } from "./client.ts";
import { codeSearch } from "./code-search.ts";
import { connectToGitHub, type GitHubOptions } from "./connection.ts";
import { gitData } from "./git-data.ts";
import { pullRequests } from "./pull-requests.ts";
import { repositories } from "./repositories.ts";
import { createRequestMeter, type RequestMeter } from "./request-meter.ts";
import { search } from "./search.ts";
import { createWorkflowCommits } from "./workflow-commits.ts";

export interface GitHubCodeHostOptions extends GitHubOptions {
  /** Whose tokens it asks with. */
  readonly tokens: HostTokens;
}

/** A checkout may take a while, and nobody can give it a new token on the way. */
const gitTokenLastsMs = 10 * 60_000;

/**
 * GitHub, github.com or Enterprise Server, as a GitHub App sees it.
 *
 * Every HTTP request takes a turn of `pacing` first: it waits here for up to two seconds, else the work is told when to
 * come back by CodeHostBusy, and nothing was sent.
 *
 * No token, key or Authorization header appears in an error, its causes, a log line or a request record.
 *
 * @throws TypeError when `apiUrl` is no URL.
 */
export function createGitHubCodeHost({ tokens, ...options }: GitHubCodeHostOptions): CodeHost {
  const connection = connectToGitHub(options);
  const { webUrl, clock } = connection;
  const workflowCommits = createWorkflowCommits();

  const codeHost = (caller: { readonly urgency: Urgency; readonly meter?: RequestMeter }): CodeHost => {
    const client = createClient(connection, tokens, caller);
    return {
      ...repositories(client),
      ...search(client, clock),
      ...codeSearch(client),
      ...gitData(client, workflowCommits),
      ...branches(client, workflowCommits),
      ...pullRequests(client),
      ...appointments({ tokens, pacing: options.pacing, clock }),

      withUrgency: (urgency) => codeHost({ ...caller, urgency }),

      measured() {
        const meter = createRequestMeter();
        return { codeHost: codeHost({ ...caller, meter }), cost: () => meter.cost() };
      },

      async gitAccess(repository) {
        const { owner, name, id } = repository;
        const asked = { repositoryIds: [id], permissions: { contents: "read" }, validForMs: gitTokenLastsMs } as const;
        const { token } = await tokens.token({ account: owner, repository: `${owner}/${name}` }, asked);
        return { url: `${webUrl}/${owner}/${name}.git`, token };
      },

      check: () => tokens.check(),
    };
  };
  return codeHost({ urgency: "publish" });
}
