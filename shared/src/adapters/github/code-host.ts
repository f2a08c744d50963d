import type { CodeHost, Urgency } from "../../ports/code-host.ts";
import type { HostTokens } from "../../ports/host-tokens.ts";
import { appointments } from "./appointments.ts";
import { branches } from "./branches.ts";
import { createClient } from "./client.ts";
import { codeSearch } from "./code-search.ts";
import { connectToGitHub, type GitHubOptions } from "./connection.ts";
import { createGitAccess } from "./git-access.ts";
import { gitData } from "./git-data.ts";
import { gitPush, type GitTools } from "./git-push.ts";
import { pullRequests } from "./pull-requests.ts";
import { repositories } from "./repositories.ts";
import { createRequestMeter, type RequestMeter } from "./request-meter.ts";
import { search } from "./search.ts";
import { trees } from "./trees.ts";
import { createWorkflowCommits } from "./workflow-commits.ts";

export interface GitHubCodeHostOptions extends GitHubOptions {
  /** Whose tokens it asks with. */
  readonly tokens: HostTokens;
  readonly git: GitTools;
}

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
export function createGitHubCodeHost({ tokens, git, ...options }: GitHubCodeHostOptions): CodeHost {
  const connection = connectToGitHub(options);
  const { webUrl, clock } = connection;
  const workflowCommits = createWorkflowCommits();

  const codeHost = (caller: { readonly urgency: Urgency; readonly meter?: RequestMeter }): CodeHost => {
    const client = createClient(connection, tokens, caller);
    const byName = repositories(client);
    return {
      ...byName,
      ...search(client, clock),
      ...codeSearch(client),
      ...trees(client),
      ...gitData(client, workflowCommits),
      ...branches(client, workflowCommits),
      ...gitPush(connection, tokens, caller, git, byName.findRepositories),
      ...pullRequests(client),
      ...appointments({ tokens, pacing: options.pacing, clock }),

      withUrgency: (urgency) => codeHost({ ...caller, urgency }),

      measured() {
        const meter = createRequestMeter();
        return { codeHost: codeHost({ ...caller, meter }), cost: () => meter.cost() };
      },

      gitAccess: createGitAccess(tokens, webUrl),

      check: () => tokens.check(),
    };
  };
  return codeHost({ urgency: "publish" });
}
